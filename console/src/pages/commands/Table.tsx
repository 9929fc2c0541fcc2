import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import type { Row as RowData } from '../../data/rows.ts'
import type { ExecutionStatus } from '../../generated/graphql.ts'
import { moveAmongRows } from '../../ui/move-among-rows.ts'
import { Status } from '../../ui/Status.tsx'
import { shortId } from '../../ui/short-id.ts'
import { Countdown, Time } from '../../ui/Time.tsx'
import { formatDuration, msBetween } from '../../ui/time.ts'
import styles from './Table.module.css'

const COLUMNS = ['Execution ID', 'Thing', 'Action', 'Status', 'Created at', 'Settled after', 'Sent by']

interface TableProps {
  rows: readonly RowData[]
  /** The statuses that are filtered by: a row that left them meanwhile is still there, and dimmed. */
  status: readonly ExecutionStatus[] | undefined
}

/** A table also where it is laid out as cards: the roles are said, because browsers forget them with the layout. */
export function Table({ rows, status }: TableProps) {
  return (
    <div className={styles['frame']}>
      <table role="table" aria-label="Executions, newest first" className={styles['table']}>
        <thead role="rowgroup">
          <tr role="row">
            {COLUMNS.map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" onKeyDown={moveAmongRows}>
          {rows.map((row) => (
            <Row key={row.id} row={row} isDimmed={status !== undefined && !status.includes(row.status)} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

const Row = memo(function Row({ row, isDimmed }: { row: RowData; isDimmed: boolean }) {
  return (
    <tr role="row" className={isDimmed ? styles['dimmed'] : undefined} data-execution={row.id}>
      <td role="cell" className={styles['id']}>
        <Link to="/executions/$executionId" params={{ executionId: row.id }} title={row.id} data-row>
          <span className={styles['full']}>{row.id}</span>
          <span className={styles['short']}>{shortId(row.id)}</span>
        </Link>
      </td>
      <td role="cell" className={styles['thing']} title={row.thingId}>
        <Link to="/things/$thingId" params={{ thingId: row.thingId }}>
          {row.thingId}
        </Link>
      </td>
      <td role="cell" className={styles['action']} title={row.action}>
        {row.action}
      </td>
      <td role="cell" className={styles['status']}>
        <Status status={row.status} />{' '}
        {row.statusReason && (
          <span className={styles['reason']} title={row.statusReason.message ?? row.statusReason.code}>
            {row.statusReason.code}
          </span>
        )}
      </td>
      <td role="cell" className={styles['created']}>
        <Time at={row.createdAt} />
      </td>
      <td role="cell" className={styles['after']}>
        <SettledAfter row={row} />
      </td>
      <td role="cell" className={styles['by']} title={row.requestedBy ?? undefined}>
        {row.requestedBy ?? <span className="muted">anonymous</span>}
      </td>
    </tr>
  )
})

function SettledAfter({ row: { createdAt, settledAt, expiresAt } }: { row: RowData }) {
  if (settledAt) return <>{formatDuration(msBetween(createdAt, settledAt))}</>
  return (
    <span className="muted">
      <Countdown until={expiresAt} /> left
    </span>
  )
}
