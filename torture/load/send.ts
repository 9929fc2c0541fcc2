/** One try to send a command, over GraphQL or REST. */
import type { ExecutionStatus } from '../check/records.ts'

export interface Intent {
  /** Its idempotency key, which is in the params too. */
  key: string
  thingId: string
  ttl: number
  delivery?: Delivery
}

export type Delivery = 'AT_MOST_ONCE' | 'AT_LEAST_ONCE'

export type Sent =
  | { kind: 'acknowledged'; executionId: string; status: ExecutionStatus }
  /** Refused in words: it may be tried again. */
  | { kind: 'refused'; problem: string }
  /** No answer of HTTP. */
  | { kind: 'broken'; problem: string }

export type Send = (url: string, intent: Intent) => Promise<Sent>

const ANSWER_DEADLINE_MS = 12_000
export const ACTION = 'torture'

const MUTATION =
  'mutation ($input: SendCommandInput!) { sendCommand(input: $input) { execution { id status } errors { code } } }'

interface GraphqlAnswer {
  data?: {
    sendCommand: { execution: { id: string; status: ExecutionStatus } | null; errors: { code: string }[] }
  } | null
  errors?: { message: string; extensions?: { code?: string } }[]
}

export const sendOverGraphql: Send = async (url, { key, thingId, ttl, delivery }) => {
  const input = {
    thingId,
    action: ACTION,
    params: { intent: key },
    ttl,
    idempotencyKey: key,
    ...(delivery && { delivery }),
  }
  return post(`${url}/graphql`, {}, { query: MUTATION, variables: { input } }, (body) => {
    const { data, errors } = body as GraphqlAnswer
    const execution = data?.sendCommand.execution
    if (execution) return { kind: 'acknowledged', executionId: execution.id, status: execution.status }
    const problem = data?.sendCommand.errors[0]?.code ?? errors?.[0]?.extensions?.code ?? errors?.[0]?.message
    return { kind: 'refused', problem: problem ?? 'no answer in the answer' }
  })
}

interface RestAnswer {
  executionId?: string
  status: ExecutionStatus
  code?: string
}

export const sendOverRest: Send = (url, { key, thingId, ttl }) =>
  post(
    `${url}/api/v1/commands`,
    { 'idempotency-key': key },
    { thingId, action: ACTION, params: { intent: key }, ttl },
    (body) => {
      const { executionId, status, code } = body as RestAnswer
      if (executionId) return { kind: 'acknowledged', executionId, status }
      return { kind: 'refused', problem: code ?? 'no code in the answer' }
    },
  )

async function post(
  url: string,
  headers: Record<string, string>,
  body: unknown,
  read: (body: unknown) => Sent,
): Promise<Sent> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    })
    return read(await response.json())
  } catch (error) {
    return { kind: 'broken', problem: reasonOf(error) }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error && 'code' in cause
    ? String(cause.code)
    : (cause instanceof Error && cause.message) || error.message
}

/** Whether this service has `delivery` in the input of sendCommand. */
export async function knowsDelivery(url: string): Promise<boolean> {
  const query = '{ __type(name: "SendCommandInput") { inputFields { name } } }'
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  const { data } = (await response.json()) as { data: { __type: { inputFields: { name: string }[] } } }
  return data.__type.inputFields.some(({ name }) => name === 'delivery')
}
