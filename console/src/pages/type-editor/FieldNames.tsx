import { Field } from '../../ui/Field.tsx'
import { useErrors } from './errors.ts'
import type { SchemaField } from './fields.ts'

export interface FieldInputProps {
  field: SchemaField
  onChange(changed: Partial<SchemaField>): void
}

export function NameField({ field: { key, name }, onChange }: FieldInputProps) {
  return (
    <Field label="Name" errors={useErrors()(`${key}.name`)}>
      {(wiring) => (
        <input
          {...wiring}
          className={`${wiring.className} mono`}
          value={name}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => onChange({ name: target.value })}
        />
      )}
    </Field>
  )
}

export const DescriptionField = ({ field: { description }, onChange }: FieldInputProps) => (
  <Field label="Description">
    {(wiring) => (
      <textarea
        {...wiring}
        rows={1}
        value={description}
        onChange={({ target }) => onChange({ description: target.value })}
      />
    )}
  </Field>
)
