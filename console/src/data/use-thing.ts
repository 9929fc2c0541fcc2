/** One thing, as it is and as it changes. */
import { useCallback, useEffect, useState } from 'react'
import { onEnd, pipe, subscribe } from 'wonka'
import { ThingByIdDocument, type ThingDetailsFragment, ThingFollowedDocument } from '../generated/graphql.ts'
import { describeProblem } from './problem.ts'
import { type Service, useService } from './service.ts'

export type Thing = ThingDetailsFragment

export interface ThingState {
  phase: 'loading' | 'ready' | 'missing' | 'failed'
  thing: Thing | undefined
  /** Whether it had ever answered a command when the page was opened. */
  hasAnswered: boolean
  problem: string | undefined
}

const LOADING: ThingState = { phase: 'loading', thing: undefined, hasAnswered: false, problem: undefined }
const AGAIN_AFTER_MS = 1_000

/** `attempt`: another number loads it again. `take`: what a mutation has answered is known before it is told. */
export function useThing(id: string, attempt = 0): ThingState & { take: (thing: Thing) => void } {
  const service = useService()
  const [state, setState] = useState(LOADING)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew.
  useEffect(() => {
    setState(LOADING)
    return followThing(service, id, (change) => setState((before) => ({ ...before, ...change })))
  }, [service, id, attempt])
  const take = useCallback((thing: Thing) => setState((before) => ({ ...before, thing })), [])
  return { ...state, take }
}

function followThing({ client }: Service, id: string, tell: (change: Partial<ThingState>) => void): () => void {
  let isStopped = false
  let isKnown = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let unsubscribe = () => {}

  async function begin(): Promise<void> {
    const { data, error } = await client.query(ThingByIdDocument, { id }).toPromise()
    if (isStopped) return
    // What was shown before a break is shown on: that it may be old is said elsewhere.
    if (error) {
      if (isKnown) return again()
      return tell({ phase: 'failed', problem: describeProblem(error) })
    }
    if (!data?.thing) return tell({ phase: 'missing', thing: undefined })
    tell({ phase: 'ready', thing: data.thing, ...(!isKnown && { hasAnswered: data.executions.nodes.length > 0 }) })
    isKnown = true
    follow()
  }

  /** It ends once the thing is deregistered, or where the service refuses it: to look again tells which. */
  function follow(): void {
    unsubscribe = pipe(
      client.subscription(ThingFollowedDocument, { id }),
      onEnd(() => {
        if (!isStopped) again()
      }),
      subscribe(({ data }) => {
        if (data) tell({ phase: 'ready', thing: data.thingUpdated })
      }),
    ).unsubscribe
  }

  function again(): void {
    clearTimeout(timer)
    timer = setTimeout(begin, AGAIN_AFTER_MS)
  }

  void begin()
  return () => {
    isStopped = true
    clearTimeout(timer)
    unsubscribe()
  }
}
