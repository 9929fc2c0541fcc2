import { Link } from '@tanstack/react-router'
import type { Device } from '../../device/device.ts'
import type { Received } from '../../device/inbox.ts'
import { Json } from '../../ui/Json.tsx'
import { Status } from '../../ui/Status.tsx'
import { shortId } from '../../ui/short-id.ts'
import { Countdown } from '../../ui/Time.tsx'
import { AnswerForm } from './AnswerForm.tsx'
import styles from './DevicePage.module.css'

export function RequestCard({ device, received }: { device: Device; received: Received }) {
  const { executionId, action, params, outcome, repeats, expiresAtMs } = received
  return (
    <li className={styles['request']} data-request={executionId} data-outcome={outcome.kind}>
      <header className={styles['head']}>
        <h3 className="mono">{action}</h3>
        <Link to="/executions/$executionId" params={{ executionId }} title={executionId} className="mono">
          {shortId(executionId)}
        </Link>
        <span className={styles['state']}>
          <OutcomeWords received={received} />
        </span>
      </header>
      {outcome.kind === 'waiting' && (
        <p className="muted">
          Must be answered within <Countdown until={new Date(expiresAtMs).toISOString()} />.
        </p>
      )}
      {repeats > 0 && <p className="muted">It came again: {repeats} ×. What was answered is answered again.</p>}
      {Object.keys(params).length > 0 ? <Part name="Params" value={params} /> : <p className="muted">No params.</p>}
      {outcome.kind === 'waiting' && (
        <AnswerForm
          request={received}
          onAnswer={(answer) => device.answer(executionId, answer)}
          onSilence={() => device.staySilent(executionId)}
        />
      )}
      {(outcome.kind === 'answering' || outcome.kind === 'answered') && outcome.answer.result !== undefined && (
        <Part name="Result" value={outcome.answer.result} />
      )}
    </li>
  )
}

const Part = ({ name, value }: { name: string; value: unknown }) => (
  <div className={styles['part']}>
    <h4>{name}</h4>
    <Json value={value} name={name} />
  </div>
)

function OutcomeWords({ received: { outcome } }: { received: Received }) {
  switch (outcome.kind) {
    case 'waiting':
      return <Status status="SENT" />
    case 'answering':
      return (
        <>
          <Status status={outcome.answer.status} /> on its way…
        </>
      )
    case 'answered':
      return (
        <>
          Answered <Status status={outcome.answer.status} /> {outcome.answer.reason?.code}
        </>
      )
    case 'silent':
      return 'You say nothing: it times out.'
    case 'expired':
      return 'Expired: a device does nothing then.'
  }
}
