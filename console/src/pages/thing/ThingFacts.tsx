import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Thing } from '../../data/use-thing.ts'
import { Time } from '../../ui/Time.tsx'
import styles from '../execution/Facts.module.css'

export function ThingFacts({ thing }: { thing: Thing }) {
  const { type, clientId, tags, lastSeenAt, hasSecret, createdAt, updatedAt } = thing
  return (
    <dl className={styles['facts']}>
      <Fact name="Last seen">{lastSeenAt ? <Time at={lastSeenAt} /> : <span className="muted">never</span>}</Fact>
      <Fact name="Thing Type">
        {type ? (
          <span className="mono">
            <Link to="/types/$name" params={{ name: type.name }}>
              {type.name}
            </Link>{' '}
            {type.version}
          </span>
        ) : (
          <span className="muted">none: it accepts any action</span>
        )}
      </Fact>
      <Fact name="Tags">{tags.length > 0 ? tags.join(', ') : <span className="muted">none</span>}</Fact>
      <Fact name="Client ID">
        <span className="mono">{clientId}</span>
      </Fact>
      <Fact name="Secret">{hasSecret ? 'issued' : <span className="muted">none</span>}</Fact>
      <Fact name="Registered">
        <Time at={createdAt} />
      </Fact>
      {updatedAt !== createdAt && (
        <Fact name="Changed">
          <Time at={updatedAt} />
        </Fact>
      )}
    </dl>
  )
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </>
)
