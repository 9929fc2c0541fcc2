/** An open `executionUpdated`, read at the pace of the test. */
import type { Client as WsClient } from 'graphql-ws'
import { EXECUTION_FIELDS, type ExecutionData } from './client.ts'

export interface Watching {
  /** The next update, waiting for it; undefined at the end. Throws the errors of the operation. */
  next(): Promise<ExecutionData | undefined>
  /** Reads until an update fits. */
  until(fits: (execution: ExecutionData) => boolean): Promise<ExecutionData>
  stop(): Promise<void>
}

/** Subscribes over graphql-ws. The server listens once the first message after it was answered: use `since` or `id` where that matters. */
export function watch(client: WsClient, variables: { id?: string; filter?: unknown; since?: string } = {}): Watching {
  const results = client.iterate<{ executionUpdated: ExecutionData }>({
    query: `subscription ($id: ID, $filter: ExecutionFilter, $since: DateTime) {
      executionUpdated(id: $id, filter: $filter, since: $since) { ${EXECUTION_FIELDS} }
    }`,
    variables,
  })
  const next = async () => {
    const { done, value } = await results.next()
    if (done) return undefined
    if (value.errors) throw new Error(JSON.stringify(value.errors))
    return value.data?.executionUpdated
  }
  return {
    next,
    async until(fits) {
      for (let execution = await next(); execution; execution = await next()) if (fits(execution)) return execution
      throw new Error('the subscription ended before')
    },
    stop: async () => void (await results.return?.()),
  }
}
