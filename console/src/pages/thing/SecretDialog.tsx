import { useState } from 'react'
import { useMutation } from 'urql'
import { describeProblem } from '../../data/problem.ts'
import { RotateThingSecretDocument } from '../../generated/graphql.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog, DialogBody, DialogFoot } from '../../ui/Dialog.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { IssuedSecret } from '../things/IssuedSecret.tsx'
import type { ThingDialogProps } from './ThingActions.tsx'

export function SecretDialog({ thing: { id, hasSecret }, onChanged, onClose }: ThingDialogProps) {
  const [secret, setSecret] = useState<string>()
  const [isFirst] = useState(!hasSecret)
  const [{ data, error, fetching }, rotate] = useMutation(RotateThingSecretDocument)
  const problem = error ? describeProblem(error) : data?.rotateThingSecret.errors[0]?.message
  const issue = async () => {
    const { data: answer } = await rotate({ id })
    if (!answer?.rotateThingSecret.thing || !answer.rotateThingSecret.secret) return
    setSecret(answer.rotateThingSecret.secret)
    onChanged(answer.rotateThingSecret.thing)
  }
  if (secret) return <IssuedSecret thingId={id} secret={secret} doneWord="Done" onDone={onClose} />
  return (
    <Dialog title={isFirst ? `A secret for ${id}` : `A new secret for ${id}`} isAlert onClose={onClose}>
      <DialogBody>
        {problem && <Notice kind="problem" title={problem} />}
        <p>
          {isFirst
            ? 'From now on nobody can connect as this thing without it.'
            : 'The secret of before stops working at once.'}{' '}
          A device that is connected now is disconnected, or refused when it connects again, until it has this one.
        </p>
        <p>It is shown once, in the next step.</p>
      </DialogBody>
      <DialogFoot>
        <Button onClick={onClose}>Keep it as it is</Button>
        <Button look="primary" disabled={fetching} onClick={issue}>
          Issue it
        </Button>
      </DialogFoot>
    </Dialog>
  )
}
