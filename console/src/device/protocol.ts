/** What PROTOCOL.md asks of a device, without MQTT. Pure: no I/O. */

export interface Request {
  executionId: string
  action: string
  params: Record<string, unknown>
  /** Unix time in milliseconds; from then on it must not be acted on. */
  expiresAtMs: number
}

export type AnswerStatus = 'SUCCEEDED' | 'FAILED' | 'REJECTED'

export interface Answer {
  status: AnswerStatus
  /** undefined: none. */
  result?: unknown
  reason?: { code: string; message?: string }
}

export const CODE_PATTERN = /^[A-Z0-9_-]{1,64}$/
export const MAX_REASON_LENGTH = 1_024

const TOPIC = /^\$emqx\/commands\/things\/([^/]+)\/executions\/([^/]+)\/request$/

export const requestFilter = (thingId: string): string => `$emqx/commands/things/${thingId}/executions/+/request`

export const responseTopic = (thingId: string, executionId: string): string =>
  `$emqx/commands/things/${thingId}/executions/${executionId}/response`

/** undefined: this is no request to that thing. */
export function readRequest(thingId: string, topic: string, payload: Uint8Array): Request | undefined {
  const [, thing, executionId] = TOPIC.exec(topic) ?? []
  const message = readObject(payload)
  if (thing !== thingId || !executionId || !message) return undefined
  const { action, params, timestamp, ttl } = message
  if (typeof action !== 'string' || typeof timestamp !== 'number' || typeof ttl !== 'number') return undefined
  return { executionId, action, params: isRecord(params) ? params : {}, expiresAtMs: (timestamp + ttl) * 1_000 }
}

export const isExpired = ({ expiresAtMs }: Request, nowMs: number): boolean => nowMs >= expiresAtMs

export const encodeAnswer = (answer: Answer, nowMs: number): string =>
  JSON.stringify({ ...answer, timestamp: Math.floor(nowMs / 1_000) })

/** As the thermostat of the command line does it, and as a person may begin. */
export const suggestResult = ({ action, params }: Request): unknown =>
  action === 'setTemperature' && typeof params['value'] === 'number'
    ? { currentTemperature: params['value'] }
    : { action, params }

function readObject(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
