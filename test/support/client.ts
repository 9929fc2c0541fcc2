/** What a caller has: GraphQL over HTTP and WebSocket, and REST. */
import { createClient as createWsClient, type Client as WsClient } from 'graphql-ws'
import WebSocket from 'ws'

export interface GraphQLResult<T> {
  data?: T | null
  errors?: { message: string; path?: (string | number)[]; extensions?: { code?: string } }[]
}

export interface UserErrorData {
  code: string
  message: string
  path: string[]
  executionId: string | null
}

export interface ExecutionData {
  id: string
  commandId: string
  thingId: string
  action: string
  params: unknown
  ttl: number
  delivery: string
  publishCount: number
  status: string
  statusReason: { code: string; message: string | null } | null
  result: unknown
  requestedBy: string | null
  createdAt: string
  expiresAt: string
  settledAt: string | null
  updatedAt: string
  ignoredResponses: IgnoredData[]
  ignoredResponseCount: number
}

export interface IgnoredData {
  cause: string
  status: string | null
  result: unknown
  reason: { code: string; message: string | null } | null
  problem: string | null
  payload: string | null
  receivedAt: string
}

export const EXECUTION_FIELDS = `
  id commandId thingId action params ttl delivery publishCount status statusReason { code message } result requestedBy
  createdAt expiresAt settledAt updatedAt ignoredResponseCount
  ignoredResponses { cause status result reason { code message } problem payload receivedAt }
`

export interface SendInput {
  thingId: string
  action?: string
  params?: Record<string, unknown>
  ttl?: number
  idempotencyKey?: string
  delivery?: string
  wait?: boolean
}

export interface Client {
  url: string
  authorization: string | undefined
  /** One operation over HTTP, with top-level errors as they come. */
  request<T>(query: string, variables?: unknown): Promise<GraphQLResult<T>>
  /** One operation over HTTP; throws on top-level errors. */
  query<T>(query: string, variables?: unknown): Promise<T>
  registerThing(id: string, more?: Record<string, unknown>): Promise<void>
  send(input: SendInput): Promise<{ execution: ExecutionData | null; errors: UserErrorData[] }>
  execution(id: string): Promise<ExecutionData>
  cancel(id: string): Promise<{ execution: ExecutionData | null; errors: UserErrorData[] }>
  /** A graphql-ws client, to be disposed of. */
  webSocket(): WsClient
}

/** `authorization`: what it shows of itself with everything it asks. */
export function createClient(url: string, authorization?: string): Client {
  async function request<T>(query: string, variables: unknown = {}): Promise<GraphQLResult<T>> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      body: JSON.stringify({ query, variables }),
    })
    return (await response.json()) as GraphQLResult<T>
  }

  async function query<T>(text: string, variables?: unknown): Promise<T> {
    const { data, errors } = await request<T>(text, variables)
    if (errors || !data) throw new Error(`top-level errors: ${JSON.stringify(errors)}`)
    return data
  }

  return {
    url,
    authorization,
    request,
    query,
    async registerThing(id, more = {}) {
      const { registerThing } = await query<{ registerThing: { errors: UserErrorData[] } }>(
        'mutation ($input: RegisterThingInput!) { registerThing(input: $input) { errors { code message path } } }',
        { input: { id, ...more } },
      )
      if (registerThing.errors.length > 0) throw new Error(JSON.stringify(registerThing.errors))
    },
    async send({ action = 'reboot', ...input }) {
      const { sendCommand } = await query<{
        sendCommand: { execution: ExecutionData | null; errors: UserErrorData[] }
      }>(
        `mutation ($input: SendCommandInput!) {
          sendCommand(input: $input) { execution { ${EXECUTION_FIELDS} } errors { code message path executionId } }
        }`,
        { input: { action, ...input } },
      )
      return sendCommand
    },
    async execution(id) {
      const { execution } = await query<{ execution: ExecutionData | null }>(
        `query ($id: ID!) { execution(id: $id) { ${EXECUTION_FIELDS} } }`,
        { id },
      )
      if (!execution) throw new Error(`no execution ${id}`)
      return execution
    },
    async cancel(id) {
      const { cancelExecution } = await query<{
        cancelExecution: { execution: ExecutionData | null; errors: UserErrorData[] }
      }>(
        `mutation ($id: ID!) {
          cancelExecution(id: $id) { execution { ${EXECUTION_FIELDS} } errors { code message path executionId } }
        }`,
        { id },
      )
      return cancelExecution
    },
    webSocket: () =>
      createWsClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        ...(authorization && { connectionParams: { Authorization: authorization } }),
      }),
  }
}
