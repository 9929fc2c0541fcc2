/** What was sent to a thing, the newest first, as it happens. */
import { Link } from '@tanstack/react-router'
import type { Feed } from '../../data/feed.ts'
import type { Row } from '../../data/rows.ts'
import { useStore } from '../../data/store.ts'
import { Button } from '../../ui/Button.tsx'
import { Status } from '../../ui/Status.tsx'
import { Countdown, Time } from '../../ui/Time.tsx'
import { formatDuration, msBetween } from '../../ui/time.ts'
import { useFeed } from '../commands/use-feed.ts'
import styles from './History.module.css'

/** The rest is on the page of commands, with its filters. */
const SHOWN = 12

export function History({ thingId }: { thingId: string }) {
  const { feed, retry } = useFeed({ thing: [thingId] })
  return feed && <List key={feed.key} feed={feed} thingId={thingId} onRetry={retry} />
}

function List({ feed, thingId, onRetry }: { feed: Feed; thingId: string; onRetry: () => void }) {
  const { phase, problem, shown } = useStore(feed)
  if (phase === 'loading') return <p role="status">Loading…</p>
  if (phase === 'failed')
    return (
      <p role="alert" className={styles['problem']}>
        {problem} <Button onClick={onRetry}>Try again</Button>
      </p>
    )
  if (shown.length === 0) return <p className="muted">Nothing yet. What is sent appears here by itself.</p>
  return (
    <>
      <ol className={styles['list']} aria-label="Its executions, newest first">
        {shown.slice(0, SHOWN).map((row) => (
          <Item key={row.id} row={row} />
        ))}
      </ol>
      <Link to="/commands" search={{ thing: [thingId] }}>
        All that was sent to it
      </Link>
    </>
  )
}

function Item({ row: { id, action, status, statusReason, createdAt, settledAt, expiresAt } }: { row: Row }) {
  return (
    <li className={styles['item']} data-execution={id}>
      <Link to="/executions/$executionId" params={{ executionId: id }} className={styles['action']} title={id}>
        {action}
      </Link>
      <span className={styles['status']}>
        <Status status={status} />
        {statusReason && (
          <span className={styles['reason']} title={statusReason.message ?? statusReason.code}>
            {statusReason.code}
          </span>
        )}
      </span>
      <span className={styles['when']}>
        <Time at={createdAt} />
      </span>
      <span className={styles['after']}>
        {settledAt ? (
          formatDuration(msBetween(createdAt, settledAt))
        ) : (
          <>
            <Countdown until={expiresAt} /> left
          </>
        )}
      </span>
    </li>
  )
}
