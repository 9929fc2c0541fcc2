/** Where to look first: which things and which actions fail or do not answer most often. */
import { Link } from '@tanstack/react-router'
import { type ReactNode, useId } from 'react'
import type { Stats } from '../../data/use-stats.ts'
import { commandsSearch, FAILURES } from './commands-search.ts'
import styles from './OverviewPage.module.css'
import { formatCount, formatRate } from './words.ts'

export function WorstThings({ stats: { from, worstThings } }: { stats: Stats }) {
  return (
    <Worst title="Things with most failures" columns={['Thing', 'Failed', 'Timed out']} count={worstThings.length}>
      {worstThings.map(({ thingId, failed, timedOut }) => (
        <tr key={thingId}>
          <th scope="row">
            <Link to="/commands" search={commandsSearch({ from, thing: thingId, status: FAILURES })} title={thingId}>
              {thingId}
            </Link>
          </th>
          <td>{formatCount(failed)}</td>
          <td>{formatCount(timedOut)}</td>
        </tr>
      ))}
    </Worst>
  )
}

export function WorstActions({ stats: { from, worstActions } }: { stats: Stats }) {
  return (
    <Worst
      title="Actions with most failures"
      columns={['Action', 'Failed', 'Timed out', 'Of all']}
      count={worstActions.length}
    >
      {worstActions.map(({ action, failed, timedOut, total }) => (
        <tr key={action}>
          <th scope="row">
            <Link to="/commands" search={commandsSearch({ from, action, status: FAILURES })} title={action}>
              {action}
            </Link>
          </th>
          <td>{formatCount(failed)}</td>
          <td>{formatCount(timedOut)}</td>
          <td title={`of ${formatCount(total)}`}>{formatRate((failed + timedOut) / total)}</td>
        </tr>
      ))}
    </Worst>
  )
}

interface WorstProps {
  title: string
  columns: readonly string[]
  count: number
  children: ReactNode
}

function Worst({ title, columns, count, children }: WorstProps) {
  const id = useId()
  return (
    <section className={styles['worst']} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {count === 0 ? (
        <p className="muted">None failed, and each was answered in time.</p>
      ) : (
        <table aria-labelledby={id}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      )}
    </section>
  )
}
