import type { Execution } from '../../data/use-execution.ts'
import { Countdown } from '../../ui/Time.tsx'
import { explain } from './explain.ts'

export function Explanation({ execution }: { execution: Execution }) {
  const { status, expiresAt, statusReason } = execution
  return (
    <p>
      {explain(execution)}{' '}
      {status === 'SENT' && (
        <>
          It times out in{' '}
          <strong>
            <Countdown until={expiresAt} />
          </strong>
          .
        </>
      )}
      {statusReason && <code className="muted">{statusReason.code}</code>}
    </p>
  )
}
