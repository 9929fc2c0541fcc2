/** A JSON value, to be read: folded and unfolded, and copied as it is. */
import type { ReactNode } from 'react'
import { Copy } from './Copy.tsx'
import styles from './Json.module.css'

/** More than this begins folded, and is not made before it is unfolded by hand. */
const UNFOLDED_DEPTH = 3
const MANY = 50

export function Json({ value, name }: { value: unknown; name: string }) {
  return (
    <div className={styles['box']}>
      <div className={styles['copy']}>
        <Copy text={() => JSON.stringify(value, null, 2)} name={`Copy ${name}`} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section className={styles['json']} aria-label={name} tabIndex={0}>
        <Value value={value} depth={0} />
      </section>
    </div>
  )
}

function Value({ value, depth }: { value: unknown; depth: number }) {
  if (Array.isArray(value))
    return <Members signs="[]" members={value.map((one, n) => [String(n), undefined, one])} depth={depth} />
  if (typeof value === 'object' && value !== null)
    return <Members signs="{}" members={Object.entries(value).map(([key, one]) => [key, key, one])} depth={depth} />
  return <span className={styles[value === null ? 'null' : typeof value]}>{JSON.stringify(value)}</span>
}

interface MembersProps {
  signs: '[]' | '{}'
  /** A key for React, the name of the member where it has one, and its value. */
  members: [string, string | undefined, unknown][]
  depth: number
}

function Members({ signs, members, depth }: MembersProps): ReactNode {
  const [open, close] = signs
  if (members.length === 0) return <span>{signs}</span>
  return (
    <details className={styles['members']} open={depth < UNFOLDED_DEPTH && members.length <= MANY}>
      <summary>
        {open}
        <span className={styles['folded']}>
          {' '}
          {members.length} {signs === '[]' ? 'items' : 'fields'} {close}
        </span>
      </summary>
      <ul>
        {members.map(([key, name, value], n) => (
          <li key={key}>
            {name !== undefined && <span className={styles['name']}>{JSON.stringify(name)}: </span>}
            <Value value={value} depth={depth + 1} />
            {n < members.length - 1 && ','}
          </li>
        ))}
      </ul>
      {close}
    </details>
  )
}
