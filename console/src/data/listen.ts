/** A subscription to executions that goes on, whatever happens to it: nothing that changes is missed. */

import type { TypedDocumentNode } from 'urql'
import { onEnd, pipe, subscribe } from 'wonka'
import type { ExecutionFilter } from '../generated/graphql.ts'
import { justBefore } from './clock.ts'
import { describeProblem } from './problem.ts'
import type { Service } from './service.ts'

interface Variables {
  filter?: ExecutionFilter | null | undefined
  since?: string | null | undefined
}

export interface Listening<Changed> {
  document: TypedDocumentNode<{ executionUpdated: Changed }, Variables>
  filter: ExecutionFilter
  onChange: (changed: Changed) => void
  /** Why nothing is told at the moment; undefined: all is well again. */
  onProblem: (problem: string | undefined) => void
}

const AGAIN_AFTER_MS = 2_000
/** A subscription says nothing of having begun: one that is not refused within this time has. */
const REFUSED_WITHIN_MS = 1_000

/** From a moment before what was just read, and after a break from the last change that was seen. Returns the function that ends it. */
export function listen<Changed extends { updatedAt: string }>(
  { client }: Service,
  { document, filter, onChange, onProblem }: Listening<Changed>,
): () => void {
  let since = justBefore()
  let isStopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop = begin()

  function begin(): () => void {
    const variables: Variables = {
      filter,
      // Read whenever the subscription is sent, as graphql-ws does again after each reconnect.
      get since() {
        return since
      },
    }
    const { unsubscribe } = pipe(
      client.subscription(document, variables),
      // The service refused it, or has ended it: a broken socket does not come here.
      onEnd(() => {
        if (isStopped) return
        clearTimeout(timer)
        timer = setTimeout(beginAgain, AGAIN_AFTER_MS)
      }),
      subscribe(({ data, error }) => {
        if (error) onProblem(describeProblem(error))
        if (!data) return
        const changed = data.executionUpdated
        if (changed.updatedAt > since) since = changed.updatedAt
        onChange(changed)
      }),
    )
    return unsubscribe
  }

  function beginAgain(): void {
    timer = setTimeout(() => onProblem(undefined), REFUSED_WITHIN_MS)
    stop = begin()
  }

  return () => {
    isStopped = true
    clearTimeout(timer)
    stop()
  }
}
