/** What there is to fill in for a value, by its kind. */
import { Field } from '../../ui/Field.tsx'
import { useErrors } from './errors.ts'
import type { FieldInputProps } from './FieldNames.tsx'
import { BOUNDS, type ChoiceType, type FieldKind, KINDS, type SchemaField } from './fields.ts'
import styles from './SchemaEditor.module.css'
import { turnKind } from './turn-kind.ts'
import { linesOf } from './write-fields.ts'

const KIND_WORDS: Record<FieldKind, string> = {
  string: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: 'yes or no',
  enum: 'one of several',
  object: 'object',
  array: 'list',
  json: 'JSON Schema',
}

interface KindFieldProps {
  field: SchemaField
  onChange(field: SchemaField): void
}

export const KindField = ({ field, onChange }: KindFieldProps) => (
  <Field label="Type">
    {(wiring) => (
      <select
        {...wiring}
        value={field.kind}
        onChange={({ target }) => onChange(turnKind(field, KINDS.find((kind) => kind === target.value) ?? 'json'))}
      >
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {KIND_WORDS[kind]}
          </option>
        ))}
      </select>
    )}
  </Field>
)

const BOUND_LABELS: Partial<Record<FieldKind, readonly [string, string]>> = {
  string: ['Min. length', 'Max. length'],
  number: ['Min.', 'Max.'],
  integer: ['Min.', 'Max.'],
  array: ['Min. items', 'Max. items'],
}

export function LimitFields({ field, onChange }: FieldInputProps) {
  const [least, most] = BOUND_LABELS[field.kind] ?? []
  if (!least || !most || !BOUNDS[field.kind]) return null
  return (
    <>
      <TextField label={least} at="least" field={field} onChange={onChange} />
      <TextField label={most} at="most" field={field} onChange={onChange} />
    </>
  )
}

interface TextFieldProps extends FieldInputProps {
  label: string
  at: 'least' | 'most' | 'fallback'
}

function TextField({ label, at, field, onChange }: TextFieldProps) {
  return (
    <Field label={label} errors={useErrors()(`${field.key}.${at}`)}>
      {(wiring) => (
        <input
          {...wiring}
          inputMode={at === 'fallback' && field.kind === 'string' ? 'text' : 'decimal'}
          value={field[at]}
          autoComplete="off"
          onChange={({ target }) => onChange({ [at]: target.value })}
        />
      )}
    </Field>
  )
}

export function FallbackField({ field, onChange }: FieldInputProps) {
  const errors = useErrors()(`${field.key}.fallback`)
  const { kind, fallback, choices } = field
  if (kind === 'object' || kind === 'array' || kind === 'json') return null
  if (kind !== 'boolean' && kind !== 'enum')
    return <TextField label="Default" at="fallback" field={field} onChange={onChange} />
  const offered = kind === 'boolean' ? ['true', 'false'] : linesOf(choices)
  // One that is offered no more is still there, and told to be wrong.
  const shown = fallback === '' || offered.includes(fallback) ? offered : [...offered, fallback]
  return (
    <Field label="Default" errors={errors}>
      {(wiring) => (
        <select {...wiring} value={fallback} onChange={({ target }) => onChange({ fallback: target.value })}>
          <option value="">none</option>
          {[...new Set(shown)].map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

const CHOICE_TYPES: readonly { type: ChoiceType; words: string }[] = [
  { type: 'string', words: 'text' },
  { type: 'number', words: 'numbers' },
  { type: 'integer', words: 'whole numbers' },
]

export function ChoicesField({ field: { key, choices, choiceType }, onChange }: FieldInputProps) {
  return (
    <div className={styles['line']}>
      <Field label="Values" note="one on each line" errors={useErrors()(`${key}.choices`)}>
        {(wiring) => (
          <textarea
            {...wiring}
            rows={Math.min(8, Math.max(2, choices.split('\n').length))}
            className={`${wiring.className} mono`}
            spellCheck={false}
            autoCapitalize="none"
            value={choices}
            onChange={({ target }) => onChange({ choices: target.value })}
          />
        )}
      </Field>
      <Field label="They are">
        {(wiring) => (
          <select
            {...wiring}
            value={choiceType ?? 'string'}
            onChange={({ target }) =>
              onChange({ choiceType: CHOICE_TYPES.find(({ type }) => type === target.value)?.type })
            }
          >
            {CHOICE_TYPES.map(({ type, words }) => (
              <option key={type} value={type}>
                {words}
              </option>
            ))}
          </select>
        )}
      </Field>
    </div>
  )
}

/** A part that says what no row can. */
export function JsonPart({ field: { key, json }, onChange }: FieldInputProps) {
  return (
    <Field label="JSON Schema" errors={useErrors()(`${key}.json`)}>
      {(wiring) => (
        <textarea
          {...wiring}
          rows={Math.min(12, Math.max(2, json.split('\n').length))}
          className={`${wiring.className} mono`}
          spellCheck={false}
          autoCapitalize="none"
          value={json}
          onChange={({ target }) => onChange({ json: target.value })}
        />
      )}
    </Field>
  )
}
