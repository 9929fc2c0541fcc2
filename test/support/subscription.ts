/** An open `executionUpdated`, read at the pace of the test. */
import type { FormattedExecutionResult } from 'graphql'
import { createClient as createSseClient } from 'graphql-sse'
import type { Client as WsClient } from 'graphql-ws'
import { type Client, EXECUTION_FIELDS, type ExecutionData } from './client.ts'

export interface Watching {
  /** The next update, waiting for it; undefined at the end. Throws the errors of the operation. */
  next(): Promise<ExecutionData | undefined>
  /** Reads until an update fits. */
  until(fits: (execution: ExecutionData) => boolean): Promise<ExecutionData>
  stop(): Promise<void>
}

export interface WatchVariables {
  id?: string
  filter?: unknown
  since?: string
}

export const WATCH = `subscription ($id: ID, $filter: ExecutionFilter, $since: DateTime) {
  executionUpdated(id: $id, filter: $filter, since: $since) { ${EXECUTION_FIELDS} }
}`

type Result = FormattedExecutionResult<{ executionUpdated: ExecutionData }, unknown>

interface Sink {
  next(result: Result): void
  error(error: unknown): void
  complete(): void
}

/** Subscribes over graphql-ws. The server listens once the first message after it was answered: use `since` or `id` where that matters. */
export function watch(client: WsClient, variables: WatchVariables = {}): Watching {
  return read((sink) => client.subscribe({ query: WATCH, variables: { ...variables } }, sink))
}

/** The clients' own `iterate` waits forever where the end came before it was asked for. */
function read(subscribe: (sink: Sink) => () => void): Watching {
  const waiting: (Result | { end: unknown })[] = []
  let wake = () => {}
  const push = (result: Result | { end: unknown }) => {
    waiting.push(result)
    wake()
  }
  const unsubscribe = subscribe({
    next: push,
    error: (error) => push({ end: error }),
    complete: () => push({ end: undefined }),
  })

  async function next(): Promise<ExecutionData | undefined> {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    const result = waiting.shift()
    if (!result || 'end' in result) return end(result?.end)
    if (result.errors) throw new Error(JSON.stringify(result.errors))
    return result.data?.executionUpdated
  }
  return {
    next,
    async until(fits) {
      for (let execution = await next(); execution; execution = await next()) if (fits(execution)) return execution
      throw new Error('the subscription ended before')
    },
    stop: async () => unsubscribe(),
  }
}

function end(error: unknown): undefined {
  if (error) throw error instanceof Error ? error : new Error(JSON.stringify(error))
}

/** One way to subscribe. */
export interface Subscriber {
  /** Resolves once the server listens, or has refused. */
  watch(variables?: WatchVariables): Promise<Watching>
  close(): Promise<void>
}

export function overWebSocket(service: Client): Subscriber {
  const client = service.webSocket()
  return {
    async watch(variables) {
      const watching = watch(client, variables)
      // Operations of one socket begin in their order: when the second is answered, the first is listened to.
      await client.iterate({ query: '{ __typename }' }).next()
      return watching
    },
    close: async () => client.dispose(),
  }
}

export function overSse(service: Client): Subscriber {
  let onResponse = () => {}
  const client = createSseClient({
    url: `${service.url}/graphql`,
    retryAttempts: 0,
    headers: { ...(service.authorization && { authorization: service.authorization }) },
    async fetchFn(url: string, init: RequestInit) {
      const response = await fetch(url, init)
      onResponse()
      return response
    },
  })
  return {
    async watch(variables) {
      const responded = new Promise<void>((resolve) => {
        onResponse = resolve
      })
      const watching = read((sink) => client.subscribe({ query: WATCH, variables: { ...variables } }, sink))
      await responded
      return watching
    },
    close: async () => client.dispose(),
  }
}
