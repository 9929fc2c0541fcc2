/** Each status has a sign of its own in bars, too: who cannot tell the colours apart reads the hatching. */
import type { ExecutionStatus } from '../../generated/graphql.ts'
import styles from './Chart.module.css'

const HATCHING: Record<ExecutionStatus, string> = {
  SUCCEEDED: '',
  SENT: 'M2 2h2v2h-2z',
  CANCELED: 'M0 3h6',
  REJECTED: 'M0 6L6 0M-1 1L1 -1M5 7L7 5',
  TIMED_OUT: 'M3 0v6',
  FAILED: 'M0 0L6 6M-1 5L1 7M5 -1L7 1',
}

export function Patterns({ id }: { id: string }) {
  return (
    <defs>
      {(Object.keys(HATCHING) as ExecutionStatus[]).map((status) => (
        <pattern
          key={status}
          id={`${id}-${status}`}
          width="6"
          height="6"
          patternUnits="userSpaceOnUse"
          className={styles[status]}
        >
          <rect width="6" height="6" />
          {HATCHING[status] && <path d={HATCHING[status]} />}
        </pattern>
      ))}
    </defs>
  )
}

export const fillOf = (id: string, status: ExecutionStatus): string => `url(#${id}-${status})`

/** As a bar has it, for the legend. */
export const Swatch = ({ id, status }: { id: string; status: ExecutionStatus }) => (
  <svg width="14" height="14" aria-hidden="true" className={styles['swatch']}>
    <rect width="14" height="14" rx="3" fill={fillOf(id, status)} />
  </svg>
)
