/** The members of an object, a row for each. A row may hold others. */
import { type ReactNode, useEffect, useRef } from 'react'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { ChoicesField, FallbackField, JsonPart, KindField, LimitFields } from './FieldInputs.tsx'
import { DescriptionField, NameField } from './FieldNames.tsx'
import { emptyField, type Members, type SchemaField } from './fields.ts'
import styles from './SchemaEditor.module.css'

interface FieldRowsProps {
  /** What one of them is called. */
  word: 'param' | 'field'
  members: Members
  onChange(members: Members): void
}

export function FieldRows({ word, members, onChange }: FieldRowsProps) {
  const { fields, isClosed } = members
  const list = useRef<HTMLUListElement>(null)
  const isAdded = useRef(false)
  useEffect(() => {
    if (!isAdded.current) return
    isAdded.current = false
    list.current?.querySelector<HTMLElement>(':scope > li:last-child input')?.focus()
  })
  const add = () => {
    isAdded.current = true
    onChange({ ...members, fields: [...fields, emptyField()] })
  }
  return (
    <div className={styles['rows']}>
      {fields.length > 0 && (
        <ul ref={list} className={styles['list']}>
          {fields.map((field, n) => (
            <Row
              key={field.key}
              field={field}
              onChange={(changed) => onChange({ ...members, fields: fields.with(n, changed) })}
              onRemove={() => onChange({ ...members, fields: fields.toSpliced(n, 1) })}
            />
          ))}
        </ul>
      )}
      <div className={styles['more']}>
        <Button onClick={add}>
          <Icon name="plus" /> Add a {word}
        </Button>
        <label>
          <input
            type="checkbox"
            checked={!isClosed}
            onChange={({ target }) => onChange({ ...members, isClosed: !target.checked })}
          />{' '}
          Others are taken, too
        </label>
      </div>
      <AlsoSaid members={members} />
    </div>
  )
}

/** What the schema says besides: kept, and to be edited as JSON. */
function AlsoSaid({ members: { rest, otherRequired } }: { members: Members }) {
  const said = Object.keys(rest).filter((keyword) => keyword !== 'type')
  if (said.length === 0 && otherRequired.length === 0) return null
  return (
    <p className={styles['also']}>
      {said.length > 0 && (
        <>
          Kept, and seen in the JSON only: <span className="mono">{said.join(', ')}</span>.{' '}
        </>
      )}
      {otherRequired.length > 0 && (
        <>
          Required without a row: <span className="mono">{otherRequired.join(', ')}</span>.
        </>
      )}
    </p>
  )
}

interface RowProps {
  field: SchemaField
  onChange(field: SchemaField): void
  onRemove: () => void
}

function Row({ field, onChange, onRemove }: RowProps) {
  const change = (changed: Partial<SchemaField>) => onChange({ ...field, ...changed })
  return (
    <li className={styles['row']} data-field={field.name}>
      <div className={styles['line']}>
        <NameField field={field} onChange={change} />
        <KindField field={field} onChange={onChange} />
        <label className={styles['required']}>
          <input
            type="checkbox"
            checked={field.isRequired}
            onChange={({ target }) => change({ isRequired: target.checked })}
          />{' '}
          Required
        </label>
        <Button look="quiet" aria-label={`Remove ${field.name || 'this row'}`} onClick={onRemove}>
          <Icon name="close" />
        </Button>
      </div>
      <Details field={field} onChange={onChange} />
    </li>
  )
}

/** What there is to say of a value of its kind. */
function Details({ field, onChange }: Omit<RowProps, 'onRemove'>) {
  const change = (changed: Partial<SchemaField>) => onChange({ ...field, ...changed })
  const { kind, members, item, rest } = field
  if (kind === 'json') return <JsonPart field={field} onChange={change} />
  return (
    <>
      <div className={styles['line']}>
        <DescriptionField field={field} onChange={change} />
        <LimitFields field={field} onChange={change} />
        <FallbackField field={field} onChange={change} />
      </div>
      {kind === 'enum' && <ChoicesField field={field} onChange={change} />}
      {kind === 'object' && (
        <Inside title="Its fields">
          <FieldRows word="field" members={members} onChange={(changed) => change({ members: changed })} />
        </Inside>
      )}
      {kind === 'array' && <Items item={item} onChange={(changed) => change({ item: changed })} />}
      {Object.keys(rest).length > 0 && (
        <p className={styles['also']}>
          Kept, and seen in the JSON only: <span className="mono">{Object.keys(rest).join(', ')}</span>.
        </p>
      )}
    </>
  )
}

interface ItemsProps {
  item: SchemaField | undefined
  onChange(item: SchemaField | undefined): void
}

function Items({ item, onChange }: ItemsProps) {
  if (!item)
    return (
      <div className={styles['more']}>
        <span className="muted">Its items may be anything.</span>
        <Button onClick={() => onChange(emptyField())}>Say what they are</Button>
      </div>
    )
  return (
    <Inside title="Its items">
      <div className={styles['line']}>
        <KindField field={item} onChange={onChange} />
        <Button onClick={() => onChange(undefined)}>Take any</Button>
      </div>
      <Details field={item} onChange={onChange} />
    </Inside>
  )
}

const Inside = ({ title, children }: { title: string; children: ReactNode }) => (
  <div className={styles['inside']}>
    <span className={styles['also']}>{title}</span>
    {children}
  </div>
)
