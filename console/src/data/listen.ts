/** A subscription to executions that goes on, whatever happens to it: nothing that changes is missed. */

import type { TypedDocumentNode } from 'urql'
import type { ExecutionFilter } from '../generated/graphql.ts'
import { justBefore } from './clock.ts'
import { keepSubscribed } from './keep-subscribed.ts'
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

/** From a moment before what was just read, and after a break from the last change that was seen. Returns the function that ends it. */
export function listen<Changed extends { updatedAt: string }>(
  service: Service,
  { document, filter, onChange, onProblem }: Listening<Changed>,
): () => void {
  let since = justBefore()
  return keepSubscribed(service, {
    document,
    variables: () => ({
      filter,
      // Read whenever the subscription is sent, as graphql-ws does again after each reconnect.
      get since() {
        return since
      },
    }),
    onData({ executionUpdated: changed }) {
      if (changed.updatedAt > since) since = changed.updatedAt
      onChange(changed)
    },
    onProblem,
  })
}
