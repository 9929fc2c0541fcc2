/** A field that offers what fits while one types. */
import type { ReactNode } from 'react'
import { ComboBox, Input, Label, ListBox, ListBoxItem, Popover, Text } from 'react-aria-components'
import fieldStyles from '../ui/Field.module.css'
import { Errors } from '../ui/Field.tsx'
import styles from './Combo.module.css'

export interface Choice {
  id: string
  /** Small, below the name. */
  description?: ReactNode
}

interface ComboProps {
  label: string
  hint?: ReactNode
  errors: readonly string[]
  text: string
  choices: readonly Choice[]
  /** Said where nothing is offered. */
  nothing: string
  /** At the end of the list: that there is more. */
  more?: string | undefined
  isRequired?: boolean
  autoFocus?: boolean
  onType(text: string): void
  onChoose(id: string): void
}

export function Combo({ label, hint, errors, text, choices, nothing, more, onType, onChoose, ...rest }: ComboProps) {
  return (
    <ComboBox
      className={fieldStyles['field'] ?? ''}
      items={choices}
      inputValue={text}
      onInputChange={onType}
      // Nothing is selected for long: the text is what counts, whoever wrote it.
      selectedKey={null}
      onSelectionChange={(key) => key !== null && onChoose(String(key))}
      allowsCustomValue
      allowsEmptyCollection
      menuTrigger="focus"
      // What is offered fits already.
      defaultFilter={() => true}
      isInvalid={errors.length > 0}
      validationBehavior="aria"
      {...rest}
    >
      <Label className={fieldStyles['label'] ?? ''}>{label}</Label>
      <Input className={`${fieldStyles['input']} mono`} spellCheck={false} autoCapitalize="none" autoComplete="off" />
      {hint && (
        <Text slot="description" className={fieldStyles['hint'] ?? ''}>
          {hint}
        </Text>
      )}
      <Errors errors={errors} />
      <Popover className={styles['popover'] ?? ''} offset={4}>
        <section aria-label={`${label}: what fits`} className={styles['offer']}>
          <ListBox<Choice>
            className={styles['list'] ?? ''}
            renderEmptyState={() => <span className={styles['nothing']}>{nothing}</span>}
          >
            {({ id, description }) => (
              <ListBoxItem id={id} textValue={id} className={styles['choice'] ?? ''}>
                <span className="mono">{id}</span>
                {description && <span className={styles['description']}>{description}</span>}
              </ListBoxItem>
            )}
          </ListBox>
          {more && <div className={styles['more']}>{more}</div>}
        </section>
      </Popover>
    </ComboBox>
  )
}
