/** Subscriptions over WebSocket: where the events come from, and what each subscriber is told of them. */
import { createSourceEventStream, type ExecutionResult, type GraphQLError } from 'graphql'
import type { Authority } from '../domain/access.ts'
import type { GraphQLContext } from './context.ts'
import type { Mask } from './errors.ts'
import type { Operation, OperationParams } from './operations.ts'
import { schema } from './schema.ts'

export interface Subscription {
  operation: Operation
  contextValue: GraphQLContext
  variableValues: OperationParams['variables']
  operationName: string | undefined
}

/** The results of events, as long as the events are on their way: subscribers with the same selection get the same one. */
type Shared = WeakMap<object, ExecutionResult | Promise<ExecutionResult>>

/** Only among those who may see the same: what is selected of an event can be more than they all may see. */
const sharedBy = new WeakMap<Operation, WeakMap<Authority, Shared>>()

export async function subscribe(
  { operation, contextValue, variableValues, operationName }: Subscription,
  maskError: Mask,
): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> {
  const { document } = operation
  const mask = (error: unknown) => maskError(error, contextValue.requestId)
  const stream = await createSourceEventStream({ schema, document, contextValue, variableValues, operationName })
  if (!(Symbol.asyncIterator in stream)) return { errors: stream.errors?.map(mask) as GraphQLError[] }
  return mapEvents(stream[Symbol.asyncIterator](), (event) => resultOf(event), mask)

  function resultOf(event: unknown): ExecutionResult | Promise<ExecutionResult> {
    const run = () => operation.run(contextValue, variableValues, event)
    if (operation.selectsByVariables || typeof event !== 'object' || event === null) return run()
    const shared = sharedAmong(operation, contextValue.caller.authority)
    const result = shared.get(event) ?? run()
    shared.set(event, result)
    return result
  }
}

function sharedAmong(operation: Operation, authority: Authority): Shared {
  const byAuthority = sharedBy.get(operation) ?? new WeakMap<Authority, Shared>()
  sharedBy.set(operation, byAuthority)
  const shared = byAuthority.get(authority) ?? new WeakMap()
  byAuthority.set(authority, shared)
  return shared
}

/** Not a generator: `return()` reaches the source also while a `next()` waits for it. */
function mapEvents(
  source: AsyncIterator<unknown>,
  resultOf: (event: unknown) => ExecutionResult | Promise<ExecutionResult>,
  mask: (error: unknown) => Error,
): AsyncIterableIterator<ExecutionResult> {
  let failed = false
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await source.return?.()
    return { done: true, value: undefined }
  }
  return {
    async next() {
      if (failed) return end()
      try {
        const event = await source.next()
        return event.done ? { done: true, value: undefined } : { done: false, value: await resultOf(event.value) }
      } catch (error) {
        failed = true
        return { done: false, value: { errors: [mask(error)] as GraphQLError[] } }
      }
    },
    return: end,
    async throw(error) {
      await source.return?.()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
