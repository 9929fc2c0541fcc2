import { Field } from '../../ui/Field.tsx'
import { type CommandDraft, DEFAULT_TTL_SECONDS } from './draft.ts'
import { useErrors } from './errors.ts'
import styles from './TypeEditor.module.css'

interface CommandFieldsProps {
  command: CommandDraft
  place: number
  onChange(changed: Partial<CommandDraft>): void
}

export function CommandFields({ command: { name, description, ttl, delivery }, place, onChange }: CommandFieldsProps) {
  const errorsOf = useErrors()
  const errorsAt = (field: string) => errorsOf(`commands.${place}.${field}`)
  return (
    <div className={styles['about']}>
      <Field label="Name" note="required" hint="The action to send, such as setTemperature." errors={errorsAt('name')}>
        {(wiring) => (
          <input
            {...wiring}
            className={`${wiring.className} mono`}
            value={name}
            maxLength={128}
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => onChange({ name: target.value })}
          />
        )}
      </Field>
      <div className={styles['pair']}>
        <Field label="Default TTL" note="seconds" errors={errorsAt('defaultTtl')}>
          {(wiring) => (
            <input
              {...wiring}
              inputMode="numeric"
              placeholder={String(DEFAULT_TTL_SECONDS)}
              value={ttl}
              autoComplete="off"
              onChange={({ target }) => onChange({ ttl: target.value })}
            />
          )}
        </Field>
        <Field label="Delivery" errors={errorsAt('delivery')}>
          {(wiring) => (
            <select
              {...wiring}
              value={delivery}
              onChange={({ target }) => onChange({ delivery: deliveryOf(target.value) })}
            >
              <option value="">default: at most once</option>
              <option value="AT_MOST_ONCE">at most once</option>
              <option value="AT_LEAST_ONCE">at least once</option>
            </select>
          )}
        </Field>
      </div>
      <div className={styles['whole']}>
        <Field label="Description" errors={errorsAt('description')}>
          {(wiring) => (
            <textarea
              {...wiring}
              rows={1}
              maxLength={1024}
              value={description}
              onChange={({ target }) => onChange({ description: target.value })}
            />
          )}
        </Field>
      </div>
    </div>
  )
}

const deliveryOf = (value: string): CommandDraft['delivery'] =>
  value === 'AT_MOST_ONCE' || value === 'AT_LEAST_ONCE' ? value : ''
