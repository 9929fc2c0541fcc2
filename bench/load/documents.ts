/** What the load sends, and how it reads what comes back. */
import { thingName } from '../fleet.ts'

/** How a load asks for its commands. */
export interface DocumentOptions {
  /** `variables`: one document, as clients should. `literals`: each one different. `hello`: nothing but a field. */
  form: 'variables' | 'literals' | 'hello'
  things: number
  /** Each command with an idempotency key. */
  keys: boolean
  /** The mutation answers when the execution is settled. */
  wait: boolean
}

export interface Payload {
  query: string
  variables?: Record<string, unknown>
}

const SELECTION = '{ execution { id status } errors { code message } }'
const SEND_COMMAND = `mutation Send($input: SendCommandInput!) { sendCommand(input: $input) ${SELECTION} }`
const TTL_SECONDS = 60

/** The statuses that end an execution, as a literal. */
export const SETTLED = '[SUCCEEDED, FAILED, REJECTED, TIMED_OUT, CANCELED]'

/** Every execution that ends; of one thing where it is named. */
export function settledExecutions(thing?: string): string {
  const filter = `${thing === undefined ? '' : `thingId: "${thing}", `}status: ${SETTLED}`
  return `subscription { executionUpdated(filter: { ${filter} }) { id status } }`
}

/** Makes the payload of one command after the other. Keys begin with the time, so that no two runs share one. */
export function createPayloads({ form, things, keys, wait }: DocumentOptions): () => Payload {
  const run = `bench-${Date.now().toString(36)}`
  let count = 0
  if (form === 'hello') return () => ({ query: '{ hello }' })
  return () => {
    count += 1
    const thingId = thingName(count % things)
    const value = 5 + (count % 300) / 10
    const key = keys ? `${run}-${count}` : undefined
    return form === 'literals' ? literal(thingId, value, key ?? '', wait) : variable(thingId, value, key, wait)
  }
}

function variable(thingId: string, value: number, key: string | undefined, wait: boolean): Payload {
  const input = { thingId, action: 'setTemperature', params: { value }, ttl: TTL_SECONDS }
  return {
    query: SEND_COMMAND,
    variables: { input: { ...input, ...(key !== undefined && { idempotencyKey: key }), ...(wait && { wait }) } },
  }
}

let documents = 0

/** The operation's name makes each document another one, with keys and without. */
function literal(thingId: string, value: number, key: string, wait: boolean): Payload {
  documents += 1
  const fields = `thingId: "${thingId}", action: "setTemperature", params: { value: ${value} }, ttl: ${TTL_SECONDS}`
  const options = `${key && `, idempotencyKey: "${key}"`}${wait ? ', wait: true' : ''}`
  return { query: `mutation Send${documents} { sendCommand(input: { ${fields}${options} }) ${SELECTION} }` }
}

interface SendAnswer {
  data?: {
    hello?: string
    sendCommand?: { execution: { id: string; status: string } | null; errors: { message: string }[] }
  } | null
  errors?: readonly { message: string }[]
}

/** The execution's id (empty where none was asked for), or what went wrong. */
export function readAnswer(answer: unknown): { id: string; status: string | undefined } | { problem: string } {
  const { data, errors } = answer as SendAnswer
  if (data?.hello !== undefined) return { id: '', status: undefined }
  const execution = data?.sendCommand?.execution
  if (execution) return execution
  return { problem: errors?.[0]?.message ?? data?.sendCommand?.errors[0]?.message ?? 'an answer without an execution' }
}

export function readEvent(event: unknown): { id: string; status: string } | { problem: string } {
  const { data, errors } = event as { data?: { executionUpdated: { id: string; status: string } } } & SendAnswer
  return data?.executionUpdated ?? { problem: errors?.[0]?.message ?? 'an event without an execution' }
}
