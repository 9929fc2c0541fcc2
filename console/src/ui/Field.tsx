import { type ReactNode, useId } from 'react'
import styles from './Field.module.css'

export const inputClass = styles['input']

/** What the input of a field must carry, so that its label, hint and error are read with it. */
export interface Wiring {
  id: string
  className: string | undefined
  'aria-invalid': boolean
  'aria-describedby': string | undefined
}

interface FieldProps {
  label: ReactNode
  /** Small, behind the label: "required", the type. */
  note?: string | undefined
  hint?: string | undefined
  errors?: readonly string[]
  children: (wiring: Wiring) => ReactNode
}

export function Field({ label, note, hint, errors = [], children }: FieldProps) {
  const id = useId()
  const [hintId, errorId] = [`${id}-hint`, `${id}-error`]
  const describedBy = [hint && hintId, errors.length > 0 && errorId].filter(Boolean).join(' ')
  return (
    <div className={styles['field']}>
      <label className={styles['label']} htmlFor={id}>
        {label} {note && <small>{note}</small>}
      </label>
      {children({
        id,
        className: styles['input'],
        'aria-invalid': errors.length > 0,
        'aria-describedby': describedBy || undefined,
      })}
      {hint && (
        <span id={hintId} className={styles['hint']}>
          {hint}
        </span>
      )}
      <Errors id={errorId} errors={errors} />
    </div>
  )
}

export function Errors({ id, errors }: { id?: string; errors: readonly string[] }) {
  if (errors.length === 0) return null
  return (
    <span id={id} className={styles['error']} role="alert">
      {errors.join(' ')}
    </span>
  )
}
