/** One execution, as it is and as it changes: also after it is settled, because a late answer is evidence worth seeing. */
import { useEffect, useState } from 'react'
import {
  ExecutionByIdDocument,
  type ExecutionDetailsFragment,
  ExecutionFollowedDocument,
} from '../generated/graphql.ts'
import { listen } from './listen.ts'
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

function followExecution(service: Service, id: string, tell: (state: ExecutionState) => void): () => void {
  let stop = () => {}
  let isStopped = false
  const begin = async () => {
    const { data, error } = await service.client.query(ExecutionByIdDocument, { id }).toPromise()
    if (isStopped) return
    if (error) return tell({ ...LOADING, phase: 'failed', problem: describeProblem(error) })
    const execution = data?.execution
    if (!execution) return tell({ ...LOADING, phase: 'missing' })
    tell({ ...LOADING, phase: 'ready', execution })
    stop = listenTo(execution)
  }

  const listenTo = ({ thingId, commandId }: Execution): (() => void) =>
    listen(service, {
      document: ExecutionFollowedDocument,
      filter: { thingId: [thingId], commandId: [commandId] },
      onChange(execution) {
        if (execution.id === id) tell({ ...LOADING, phase: 'ready', execution })
      },
      onProblem: () => {},
    })

  void begin()
  return () => {
    isStopped = true
    stop()
  }
}
