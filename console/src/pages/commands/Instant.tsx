import { inputClass } from '../../ui/Field.tsx'
import styles from './Filters.module.css'

interface InstantProps {
  label: string
  /** In ISO; undefined: none. */
  value: string | undefined
  onChange: (value: string | undefined) => void
}

/** An instant, in local time. */
export function Instant({ label, value, onChange }: InstantProps) {
  return (
    <label className={styles['instant']}>
      <span className="muted">{label}</span>
      <input
        type="datetime-local"
        step="1"
        className={inputClass}
        value={value ? localOf(value) : ''}
        onChange={({ target }) => onChange(target.value ? new Date(target.value).toISOString() : undefined)}
      />
    </label>
  )
}

/** As the input wants it: local time without its zone. */
function localOf(instant: string): string {
  const at = new Date(instant)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
