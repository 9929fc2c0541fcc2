/** Subscriptions over WebSocket: where the events come from, and what each subscriber is told of them. */
import { createSourceEventStream, type ExecutionResult, type GraphQLError, type OperationDefinitionNode } from 'graphql'
import type { Authority, Caller } from '../domain/access.ts'
import { itself, throwAfterReturn } from '../domain/source.ts'
import type { GraphQLContext } from './context.ts'
import type { Mask } from './errors.ts'
import type { Operation, OperationParams } from './operations.ts'
import { schema } from './schema.ts'

export interface Subscription {
  operation: Operation
  /** For each run: what Pothos remembers by a context would be there for as long as the subscriber is. */
  createContext: () => GraphQLContext
  caller: Caller
  variableValues: OperationParams['variables']
}

/** The results of events, as long as the events are on their way: subscribers with the same selection get the same one. */
type Shared = WeakMap<object, Result>

/**
 * Only among those who may see the same: what is selected of an event can be more than they all may see. Whatever literals
 * their texts have, those of one definition select the same.
 */
const sharedBy = new WeakMap<OperationDefinitionNode, WeakMap<Authority, Shared>>()

type Result = ExecutionResult | Promise<ExecutionResult>

export async function subscribe(
  { operation, createContext, caller, variableValues }: Subscription,
  maskError: Mask,
): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> {
  const { document, definition } = operation
  const operationName = definition.name?.value
  const contextValue = createContext()
  const stream = await createSourceEventStream({ schema, document, contextValue, variableValues, operationName })
  const mask = (error: unknown) => maskError(error, caller.requestId)
  if (!(Symbol.asyncIterator in stream)) return { errors: stream.errors?.map(mask) as GraphQLError[] }
  return mapEvents(stream[Symbol.asyncIterator](), resultOf, mask)

  function resultOf(event: unknown): Result {
    const run = () => operation.run(createContext(), variableValues, event)
    if (operation.selectsByVariables || typeof event !== 'object' || event === null) return run()
    const shared = sharedAmong(definition, caller.authority)
    return shared.get(event) ?? keep(shared, event, run())
  }
}

function sharedAmong(definition: OperationDefinitionNode, authority: Authority): Shared {
  const byAuthority = sharedBy.get(definition) ?? keep(sharedBy, definition, new WeakMap())
  return byAuthority.get(authority) ?? keep(byAuthority, authority, new WeakMap())
}

function keep<Key extends object, Value>(map: WeakMap<Key, Value>, key: Key, value: Value): Value {
  map.set(key, value)
  return value
}

/**
 * Not a generator: `return()` reaches the source also while a `next()` waits for it. Nor is `next` an async function: most
 * subscribers wait, and each such function that waits costs memory.
 */
function mapEvents(
  source: AsyncIterator<unknown>,
  resultOf: (event: unknown) => Result,
  mask: (error: unknown) => Error,
): AsyncIterableIterator<ExecutionResult> {
  let failed = false
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await source.return?.()
    return { done: true, value: undefined }
  }
  const fail = (error: unknown): IteratorResult<ExecutionResult> => {
    failed = true
    return deliver({ errors: [mask(error)] as GraphQLError[] })
  }
  const answer = ({ done, value }: IteratorResult<unknown>) => {
    if (done) return { done, value: undefined }
    try {
      const result = resultOf(value)
      return result instanceof Promise ? result.then(deliver, fail) : deliver(result)
    } catch (error) {
      return fail(error)
    }
  }
  return {
    next: () => (failed ? end() : source.next().then(answer, fail)),
    return: end,
    throw: throwAfterReturn,
    [Symbol.asyncIterator]: itself,
  }
}

const deliver = (value: ExecutionResult): IteratorResult<ExecutionResult> => ({ done: false, value })
