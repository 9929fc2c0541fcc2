import { useMutation } from 'urql'
import { describeProblem } from '../../data/problem.ts'
import { UpdateThingDocument } from '../../generated/graphql.ts'
import { Dialog } from '../../ui/Dialog.tsx'
import { type Refused, ThingForm } from '../things/ThingForm.tsx'
import { changesOf, type ThingDraft } from '../things/thing-form.ts'
import type { ThingDialogProps } from './ThingActions.tsx'

export function EditDialog({ thing, onChanged, onClose }: ThingDialogProps) {
  const [, update] = useMutation(UpdateThingDocument)
  const { id, type, tags, clientId } = thing
  const before: ThingDraft = { id, thingType: type?.name ?? '', tags, clientId }
  const submit = async (draft: ThingDraft): Promise<Refused> => {
    const { data, error } = await update({ input: { id, ...changesOf(before, draft) } })
    if (error || !data) return { problem: error ? describeProblem(error) : 'There was no answer.' }
    const { thing: changed, errors } = data.updateThing
    if (!changed) return { refusals: errors }
    onChanged(changed)
    onClose()
    return {}
  }
  return (
    <Dialog title={`Edit ${id}`} onClose={onClose}>
      <ThingForm initial={before} isNew={false} submitWord="Save" submit={submit} onClose={onClose} />
    </Dialog>
  )
}
