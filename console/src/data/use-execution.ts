/** One execution, as it is and as it changes: also after it is settled, because a late answer is evidence worth seeing. */
import { useEffect, useState } from 'react'
import {
  ExecutionByIdDocument,
  type ExecutionDetailsFragment,
  ExecutionFollowedDocument,
} from '../generated/graphql.ts'
import { justBefore } from './clock.ts'
import { describeProblem } from './problem.ts'
import { type Service, useService } from './service.ts'

export type Execution = ExecutionDetailsFragment

export interface ExecutionState {
  phase: 'loading' | 'ready' | 'missing' | 'failed'
  execution: Execution | undefined
  problem: string | undefined
}

const LOADING: ExecutionState = { phase: 'loading', execution: undefined, problem: undefined }

/** `attempt`: another number loads it again. */
export function useExecution(id: string, attempt = 0): ExecutionState {
  const service = useService()
  const [state, setState] = useState(LOADING)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew.
  useEffect(() => {
    setState(LOADING)
    return followExecution(service, id, setState)
  }, [service, id, attempt])
  return state
}

function followExecution({ client }: Service, id: string, tell: (state: ExecutionState) => void): () => void {
  let stop = () => {}
  let isStopped = false
  const begin = async () => {
    const { data, error } = await client.query(ExecutionByIdDocument, { id }).toPromise()
    if (isStopped) return
    if (error) return tell({ ...LOADING, phase: 'failed', problem: describeProblem(error) })
    const execution = data?.execution
    if (!execution) return tell({ ...LOADING, phase: 'missing' })
    tell({ ...LOADING, phase: 'ready', execution })
    stop = listen(execution)
  }

  function listen({ thingId, commandId }: Execution): () => void {
    let since = justBefore()
    const variables = {
      filter: { thingId: [thingId], commandId: [commandId] },
      // Read again whenever the subscription is sent, as it is after each reconnect.
      get since() {
        return since
      },
    }
    return client.subscription(ExecutionFollowedDocument, variables).subscribe(({ data }) => {
      const changed = data?.executionUpdated
      if (!changed) return
      if (changed.updatedAt > since) since = changed.updatedAt
      if (changed.id === id) tell({ ...LOADING, phase: 'ready', execution: changed })
    }).unsubscribe
  }

  void begin()
  return () => {
    isStopped = true
    stop()
  }
}
