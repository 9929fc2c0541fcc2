import type { ReactNode } from 'react'
import type { Execution } from '../../data/use-execution.ts'
import type { ExecutionStatus, IgnoredResponseCause } from '../../generated/graphql.ts'
import { STATUS_LOOKS } from '../../ui/Status.tsx'
import { Countdown, Time } from '../../ui/Time.tsx'
import { formatDuration, msBetween } from '../../ui/time.ts'
import styles from './Timeline.module.css'

export function Timeline({ execution }: { execution: Execution }) {
  const { createdAt, requestedBy, settledAt, status, expiresAt, ignoredResponses, ignoredResponseCount } = execution
  const untold = ignoredResponseCount - ignoredResponses.length
  return (
    <ol className={styles['timeline']}>
      <Moment
        at={createdAt}
        what={<>Requested by {requestedBy ? <b className="mono">{requestedBy}</b> : 'an anonymous caller'}</>}
      />
      <Moment what={publishedInWords(execution)} />
      {settledAt ? (
        <Moment at={settledAt} since={createdAt} status={status} what={SETTLED_WORDS[status]} />
      ) : (
        <Moment
          status="SENT"
          what={
            <>
              Waiting for the answer: <Countdown until={expiresAt} /> left
            </>
          }
        />
      )}
      {ignoredResponses.map((response) => (
        <Ignored key={`${response.receivedAt}${response.cause}`} response={response} since={createdAt} />
      ))}
      {untold > 0 && <Moment what={`${untold} more responses came, and were counted only`} />}
    </ol>
  )
}

const SETTLED_WORDS: Record<ExecutionStatus, string> = {
  SENT: '',
  SUCCEEDED: 'Answered and settled: succeeded',
  FAILED: 'Answered and settled: failed',
  REJECTED: 'Answered and settled: rejected',
  TIMED_OUT: 'Settled: timed out',
  CANCELED: 'Settled: canceled',
}

function publishedInWords({ publishCount, delivery }: Execution): string {
  if (publishCount === 0) return 'Not published yet'
  const times = publishCount === 1 ? 'once' : `${publishCount} times`
  return `Published to the broker ${times}${delivery === 'AT_LEAST_ONCE' ? ', as it is at least once' : ''}`
}

interface MomentProps {
  at?: string
  /** What the time passed is counted from. */
  since?: string
  status?: ExecutionStatus
  what: ReactNode
  children?: ReactNode
}

function Moment({ at, since, status, what, children }: MomentProps) {
  return (
    <li className={`${styles['moment']} ${status ? STATUS_LOOKS[status].className : ''}`}>
      <span className={styles['what']}>{what}</span>
      <span className={styles['when']}>
        {at && <Time at={at} />}
        {at && since && <> · +{formatDuration(msBetween(since, at))}</>}
      </span>
      {children}
    </li>
  )
}

const CAUSES: Record<IgnoredResponseCause, string> = {
  LATE: 'A response came too late, and changed nothing',
  REPEATED: 'The thing answered again, and it changed nothing',
  MALFORMED: 'A response was malformed, and changed nothing',
}

type Response = Execution['ignoredResponses'][number]

function Ignored({ response, since }: { response: Response; since: string }) {
  const { cause, status, result, reason, problem, payload, receivedAt } = response
  const said = [status, reason?.code, reason?.message, result != null && JSON.stringify(result), problem, payload]
  return (
    <Moment at={receivedAt} since={since} what={CAUSES[cause]}>
      <code className={styles['said']}>{said.filter(Boolean).join(' · ')}</code>
    </Moment>
  )
}
