import { Field } from '../../ui/Field.tsx'
import type { TypeDraft } from './draft.ts'
import { useErrors } from './errors.ts'
import styles from './TypeEditor.module.css'

interface TypeFieldsProps {
  draft: TypeDraft
  isNew: boolean
  onChange(changed: Partial<TypeDraft>): void
}

export function TypeFields({ draft: { name, version, description }, isNew, onChange }: TypeFieldsProps) {
  const errorsAt = useErrors()
  return (
    <section className={`${styles['section']} ${styles['about']}`} aria-label="The type">
      {isNew && (
        <Field
          label="Name"
          note="required"
          hint="In reverse-domain form, such as com.example.thermostat. It cannot be changed later."
          errors={errorsAt('name')}
        >
          {(wiring) => (
            <input
              {...wiring}
              className={`${wiring.className} mono`}
              value={name}
              maxLength={128}
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
              onChange={({ target }) => onChange({ name: target.value.trim() })}
            />
          )}
        </Field>
      )}
      <Field
        label="Version"
        note="required"
        hint="Executions keep the one they were checked against."
        errors={errorsAt('version')}
      >
        {(wiring) => (
          <input
            {...wiring}
            className={`${wiring.className} mono`}
            value={version}
            maxLength={64}
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => onChange({ version: target.value })}
          />
        )}
      </Field>
      <div className={styles['whole']}>
        <Field label="Description" errors={errorsAt('description')}>
          {(wiring) => (
            <textarea
              {...wiring}
              rows={2}
              maxLength={1024}
              value={description}
              onChange={({ target }) => onChange({ description: target.value })}
            />
          )}
        </Field>
      </div>
    </section>
  )
}
