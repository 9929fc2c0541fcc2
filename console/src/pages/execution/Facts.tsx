import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Execution } from '../../data/use-execution.ts'
import { Time } from '../../ui/Time.tsx'
import { formatDuration } from '../../ui/time.ts'
import styles from './Facts.module.css'

const wordOf = (online: boolean | null): string => (online === null ? 'not known' : online ? 'online' : 'offline')

export function Facts({ execution }: { execution: Execution }) {
  const { thingId, thing, thingType, thingTypeVersion, thingOnline, commandId, ttl, delivery, expiresAt } = execution
  return (
    <dl className={styles['facts']}>
      <Fact name="Thing">
        {thing ? (
          <Link to="/things/$thingId" params={{ thingId }} className="mono">
            {thingId}
          </Link>
        ) : (
          <>
            <span className="mono">{thingId}</span> <span className="muted">(no longer registered)</span>
          </>
        )}
      </Fact>
      <Fact name="When sent it was">{wordOf(thingOnline)}</Fact>
      <Fact name="Type">
        {thingType ? (
          <span className="mono">
            <Link to="/types/$name" params={{ name: thingType }}>
              {thingType}
            </Link>{' '}
            {thingTypeVersion}
          </span>
        ) : (
          <span className="muted">none</span>
        )}
      </Fact>
      <Fact name="Command ID">
        <span className="mono">{commandId}</span>
      </Fact>
      <Fact name="TTL">
        {formatDuration(ttl * 1_000)}, until <Time at={expiresAt} />
      </Fact>
      <Fact name="Delivery">{delivery === 'AT_MOST_ONCE' ? 'at most once' : 'at least once'}</Fact>
    </dl>
  )
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </>
)
