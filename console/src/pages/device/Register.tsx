import { useMutation } from 'urql'
import { useAbout } from '../../data/about.ts'
import { mayManage, useCaller } from '../../data/caller.ts'
import { describeProblem } from '../../data/problem.ts'
import { RegisterThingToSimulateDocument } from '../../generated/graphql.ts'
import { Button } from '../../ui/Button.tsx'
import { Notice } from '../../ui/Notice.tsx'

interface RegisterProps {
  thingId: string
  /** With its secret, where one has to be shown to the broker. */
  onRegistered: (secret: string | undefined) => void
}

export function Register({ thingId, onRegistered }: RegisterProps) {
  const isOffered = mayManage(useCaller())
  const { requiresSecrets } = useAbout().broker
  const [{ data, error, fetching }, register] = useMutation(RegisterThingToSimulateDocument)
  const problem = error ? describeProblem(error) : data?.registerThing.errors[0]?.message
  const submit = async () => {
    const { data: done } = await register({ input: { id: thingId, issueSecret: requiresSecrets === true } })
    if (done?.registerThing.thing) onRegistered(done.registerThing.secret ?? undefined)
  }
  return (
    <>
      <Notice kind="warning" title={`There is no thing ${thingId}.`}>
        <span>
          {isOffered
            ? 'Only things that are registered get commands.'
            : 'Only things that are registered get commands: ask an admin to register it.'}
        </span>
        {isOffered && (
          <Button disabled={fetching} onClick={submit}>
            Register {thingId}
          </Button>
        )}
      </Notice>
      {problem && <Notice kind="problem" title={problem} />}
    </>
  )
}
