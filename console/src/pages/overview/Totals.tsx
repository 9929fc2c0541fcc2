import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Stats } from '../../data/use-stats.ts'
import { commandsSearch, FAILURES } from './commands-search.ts'
import styles from './OverviewPage.module.css'
import { formatCount, formatMs, formatRate } from './words.ts'

export function Totals({ stats: { from, counts, successRate, roundTrip } }: { stats: Stats }) {
  const troubled = counts.failed + counts.timedOut
  return (
    <dl className={styles['totals']}>
      <Total name="Commands" note={<CommandsLink search={commandsSearch({ from })}>Show them</CommandsLink>}>
        {formatCount(counts.total)}
      </Total>
      <Total name="Success rate" note={`${formatCount(counts.succeeded)} succeeded`}>
        {formatRate(successRate)}
      </Total>
      <Total
        name="Failed or timed out"
        note={<CommandsLink search={commandsSearch({ from, status: FAILURES })}>Show them</CommandsLink>}
      >
        {formatCount(troubled)}
      </Total>
      <Total name="No answer yet" note={<CommandsLink search={{ status: ['SENT'], from }}>Show them</CommandsLink>}>
        {formatCount(counts.sent)}
      </Total>
      <Total name="Round trip, p50" note={`half of ${formatCount(roundTrip.answers)} answers`}>
        {formatMs(roundTrip.p50)}
      </Total>
      <Total name="p95" note="95 of 100 answers">
        {formatMs(roundTrip.p95)}
      </Total>
      <Total name="p99" note="99 of 100 answers">
        {formatMs(roundTrip.p99)}
      </Total>
    </dl>
  )
}

const CommandsLink = ({ search, children }: { search: ReturnType<typeof commandsSearch>; children: string }) => (
  <Link to="/commands" search={search}>
    {children}
  </Link>
)

const Total = ({ name, note, children }: { name: string; note: ReactNode; children: ReactNode }) => (
  <div className={styles['total']}>
    <dt>{name}</dt>
    <dd className={styles['number']}>{children}</dd>
    <dd className={styles['note']}>{note}</dd>
  </div>
)
