/** What became of it, as it happens. */
import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useExecution } from '../data/use-execution.ts'
import { DeviceHint } from '../device/DeviceHint.tsx'
import { Explanation } from '../pages/execution/Explanation.tsx'
import { Button, buttonClass } from '../ui/Button.tsx'
import { DialogBody, DialogFoot } from '../ui/Dialog.tsx'
import { Json } from '../ui/Json.tsx'
import { Notice } from '../ui/Notice.tsx'
import { Status } from '../ui/Status.tsx'
import type { Sent } from './SendDialog.tsx'

interface OutcomeProps {
  sent: Sent
  onAgain: () => void
  onClose: () => void
}

export function Outcome({ sent: { executionId, execution: asSent, warning }, onAgain, onClose }: OutcomeProps) {
  const { execution = asSent } = useExecution(executionId)
  const close = useRef<HTMLButtonElement>(null)
  // The form that had the focus is gone.
  useEffect(() => close.current?.focus(), [])
  return (
    <>
      <DialogBody>
        {warning && <Notice kind="warning" title={warning} />}
        {execution && (
          <>
            <p>
              <span className="mono">{execution.action}</span> <span className="muted">on</span>{' '}
              <span className="mono">{execution.thingId}</span>
            </p>
            <div role="status" data-outcome={execution.status}>
              <Status status={execution.status} />
            </div>
            <Explanation execution={execution} />
            <DeviceHint thingId={execution.thingId} status={execution.status} onFollow={onClose} />
            {execution.result != null && <Json value={execution.result} name="Result" />}
          </>
        )}
      </DialogBody>
      <DialogFoot>
        <Link to="/executions/$executionId" params={{ executionId }} className={buttonClass('quiet')} onClick={onClose}>
          Open the execution
        </Link>
        <Button onClick={onAgain}>Send another</Button>
        <Button look="primary" ref={close} onClick={onClose}>
          Close
        </Button>
      </DialogFoot>
    </>
  )
}
