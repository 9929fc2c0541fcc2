import { useNavigate } from '@tanstack/react-router'
import { useMutation } from 'urql'
import { describeProblem } from '../../data/problem.ts'
import { DeregisterThingDocument } from '../../generated/graphql.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog, DialogBody, DialogFoot } from '../../ui/Dialog.tsx'
import { Notice } from '../../ui/Notice.tsx'
import styles from './DeregisterDialog.module.css'
import type { ThingDialogProps } from './ThingActions.tsx'

export function DeregisterDialog({ thing: { id, hasSecret }, onClose }: ThingDialogProps) {
  const navigate = useNavigate()
  const [{ data, error, fetching }, deregister] = useMutation(DeregisterThingDocument)
  const problem = error ? describeProblem(error) : data?.deregisterThing.errors[0]?.message
  const confirm = async () => {
    const { data: answer } = await deregister({ id })
    if (!answer || answer.deregisterThing.errors.length > 0) return
    onClose()
    void navigate({ to: '/things' })
  }
  return (
    <Dialog title={`Deregister ${id}?`} isAlert onClose={onClose}>
      <DialogBody>
        {problem && <Notice kind="problem" title={problem} />}
        <ul className={styles['effects']}>
          <li>No command can be sent to it any more, and its device takes part no longer.</li>
          <li>What was sent to it stays. What is still open runs to its end.</li>
          <li>
            Its type, tags and client ID are forgotten{hasSecret && ', and its secret stops working'}. Registered again,
            it begins anew.
          </li>
        </ul>
      </DialogBody>
      <DialogFoot>
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" disabled={fetching} onClick={confirm}>
          Deregister it
        </Button>
      </DialogFoot>
    </Dialog>
  )
}
