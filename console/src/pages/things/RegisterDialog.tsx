import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useMutation, useQuery } from 'urql'
import { describeProblem } from '../../data/problem.ts'
import { BrokerForDevicesDocument, RegisterThingDocument } from '../../generated/graphql.ts'
import { Dialog } from '../../ui/Dialog.tsx'
import { IssuedSecret } from './IssuedSecret.tsx'
import { type Refused, ThingForm } from './ThingForm.tsx'
import type { ThingDraft } from './thing-form.ts'

const NOTHING: ThingDraft = { id: '', thingType: '', tags: [], clientId: '' }

export function RegisterDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const [issued, setIssued] = useState<{ thingId: string; secret: string }>()
  const [{ data }] = useQuery({ query: BrokerForDevicesDocument })
  const mustHaveSecret = data?.service.broker.requiresSecrets ?? false
  const [choice, setChoice] = useState<boolean>()
  const issueSecret = choice ?? mustHaveSecret
  const [, register] = useMutation(RegisterThingDocument)

  const openThing = (thingId: string) => {
    onClose()
    void navigate({ to: '/things/$thingId', params: { thingId } })
  }
  const submit = async ({ id, thingType, tags, clientId }: ThingDraft): Promise<Refused> => {
    const { data: answer, error } = await register({
      input: { id, tags, issueSecret, ...(thingType && { thingType }), ...(clientId && { clientId }) },
    })
    if (error || !answer) return { problem: error ? describeProblem(error) : 'There was no answer.' }
    const { secret, errors } = answer.registerThing
    if (errors.length > 0) return { refusals: errors }
    if (secret) setIssued({ thingId: id, secret })
    else openThing(id)
    return {}
  }

  if (issued) return <IssuedSecret {...issued} doneWord="Open the thing" onDone={() => openThing(issued.thingId)} />
  return (
    <Dialog title="Register a thing" onClose={onClose}>
      <ThingForm initial={NOTHING} isNew submitWord="Register" submit={submit} onClose={onClose}>
        <label>
          <input type="checkbox" checked={issueSecret} onChange={({ target }) => setChoice(target.checked)} /> Issue a
          secret
          <br />
          <small className="muted">
            {mustHaveSecret
              ? 'The broker lets no thing in without one.'
              : 'Then nobody without it can connect as this thing. It can be issued later, too.'}
          </small>
        </label>
      </ThingForm>
    </Dialog>
  )
}
