import { useState } from 'react'
import { useMutation } from 'urql'
import { maySend, useCaller } from '../../data/caller.ts'
import { describeProblem } from '../../data/problem.ts'
import { useService } from '../../data/service.ts'
import type { Execution } from '../../data/use-execution.ts'
import { CancelExecutionDocument } from '../../generated/graphql.ts'
import { useSend } from '../../send/SendProvider.tsx'
import { Button } from '../../ui/Button.tsx'
import { Copy } from '../../ui/Copy.tsx'
import { Icon } from '../../ui/Icon.tsx'
import styles from './Actions.module.css'
import { asCurl, asGraphQL } from './as-code.ts'

export function Actions({ execution }: { execution: Execution }) {
  const { open } = useSend()
  const { authorization } = useService()
  const isOffered = maySend(useCaller())
  const { thingId, action, params, ttl, delivery } = execution
  const again = () => open({ thingId, action, params: params ?? {}, ttl, delivery })
  return (
    <div className={styles['actions']}>
      {isOffered && execution.status === 'SENT' && <Cancel execution={execution} />}
      {isOffered && (
        <Button onClick={again} aria-haspopup="dialog">
          <Icon name="again" /> Send again
        </Button>
      )}
      <Copy label="Copy as GraphQL" text={() => asGraphQL(execution)} />
      <Copy label="Copy as curl" text={() => asCurl(execution, location.origin, authorization !== undefined)} />
    </div>
  )
}

/** It cannot be taken back, and does not do what one may think: that is said before. */
function Cancel({ execution: { id, thingId } }: { execution: Execution }) {
  const [isAsked, setIsAsked] = useState(false)
  const [{ data, error, fetching }, cancel] = useMutation(CancelExecutionDocument)
  const problem = error ? describeProblem(error) : data?.cancelExecution.errors[0]?.message
  if (!isAsked)
    return (
      <Button look="danger" onClick={() => setIsAsked(true)}>
        <Icon name="canceled" /> Cancel
      </Button>
    )
  return (
    <fieldset className={styles['asked']} aria-label="Cancel">
      <span role="alert">{problem ?? `${thingId} is not told, and may act all the same.`}</span>
      <Button look="danger" autoFocus disabled={fetching} onClick={() => cancel({ id })}>
        Cancel it
      </Button>
      <Button onClick={() => setIsAsked(false)}>Keep waiting</Button>
    </fieldset>
  )
}
