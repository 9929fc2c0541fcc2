/** A subscription that goes on, whatever happens to it. */
import type { AnyVariables, TypedDocumentNode } from 'urql'
import { onEnd, pipe, subscribe } from 'wonka'
import { describeProblem } from './problem.ts'
import type { Service } from './service.ts'

export interface Subscribing<Data, Variables> {
  document: TypedDocumentNode<Data, Variables>
  variables: () => Variables
  onData: (data: Data) => void
  /** Why nothing is told at the moment; undefined: all is well again. */
  onProblem: (problem: string | undefined) => void
}

const AGAIN_AFTER_MS = 2_000
/** A subscription says nothing of having begun: one that is not refused within this time has. */
const REFUSED_WITHIN_MS = 1_000

/** Returns the function that ends it. After a broken socket graphql-ws sends it again by itself; what the service refuses or ends is begun again here. */
export function keepSubscribed<Data, Variables extends AnyVariables>(
  { client }: Service,
  { document, variables, onData, onProblem }: Subscribing<Data, Variables>,
): () => void {
  let isStopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop = begin()

  function begin(): () => void {
    const { unsubscribe } = pipe(
      client.subscription(document, variables()),
      // The service refused it, or has ended it: a broken socket does not come here.
      onEnd(() => {
        if (isStopped) return
        clearTimeout(timer)
        timer = setTimeout(beginAgain, AGAIN_AFTER_MS)
      }),
      subscribe(({ data, error }) => {
        if (error) onProblem(describeProblem(error))
        if (data) onData(data)
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
