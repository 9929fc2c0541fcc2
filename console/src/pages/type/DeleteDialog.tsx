import { useNavigate } from '@tanstack/react-router'
import { useMutation } from 'urql'
import { describeProblem } from '../../data/problem.ts'
import { DeleteThingTypeDocument } from '../../generated/graphql.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog, DialogBody, DialogFoot } from '../../ui/Dialog.tsx'
import { Notice } from '../../ui/Notice.tsx'

export function DeleteDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const navigate = useNavigate()
  const [{ data, error, fetching }, mutate] = useMutation(DeleteThingTypeDocument)
  const refusals = error ? [describeProblem(error)] : (data?.deleteThingType.errors.map(({ message }) => message) ?? [])
  const remove = async () => {
    const { data } = await mutate({ name })
    if (data?.deleteThingType.thingType) void navigate({ to: '/types', replace: true })
  }
  return (
    <Dialog title="Delete this type?" isAlert onClose={onClose}>
      <DialogBody>
        {refusals.map((refusal) => (
          <Notice key={refusal} kind="problem" title={refusal} />
        ))}
        <p>
          <strong className="mono">{name}</strong> goes with all its commands, and cannot be brought back. While things
          have it, the service refuses that. What was sent to its things stays in the history.
        </p>
      </DialogBody>
      <DialogFoot>
        <Button autoFocus onClick={onClose}>
          Keep it
        </Button>
        <Button look="danger" disabled={fetching} onClick={remove}>
          {fetching ? 'Deleting…' : 'Delete it'}
        </Button>
      </DialogFoot>
    </Dialog>
  )
}
