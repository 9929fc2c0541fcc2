/**
 * What a device decides, without MQTT: which requests it acts on, what it remembers, how its answer looks on the wire.
 */
import type { Json } from '../protocol/json.ts'
import { isExpired, parseResponse, type RequestMessage, type ResponseStatus } from '../protocol/messages.ts'
import type { ExecutionTopic } from '../protocol/topics.ts'

/** A request as the device got it: its payload, and the names out of its topic. */
export type DeviceRequest = RequestMessage & ExecutionTopic

export interface DeviceResponse {
  status: ResponseStatus
  result?: Json | null
  reason?: { code: string; message?: string | null } | null
}

/** Decides the answer to one request. `silent`: the device does the work, or does not, and never answers. */
export type Act = (request: DeviceRequest, signal: AbortSignal) => Promise<DeviceResponse | 'silent'>

/** An answer ready to be published. `problem` says what was wrong with the one it had to take the place of. */
export interface EncodedAnswer {
  status: ResponseStatus
  payload: string
  problem?: string
}

export type Remembered = { kind: 'acting' } | { kind: 'silent' } | { kind: 'answered'; answer: EncodedAnswer }

/** What became of the latest executions. One that is still being acted on is never forgotten. */
export interface Memory {
  recall(executionId: string): Remembered | undefined
  begin(executionId: string): void
  finish(executionId: string, answer: EncodedAnswer | 'silent'): void
}

export type Verdict =
  | { kind: 'act'; secondsLeft: number }
  | { kind: 'expired'; secondsLate: number }
  | { kind: 'repeated'; remembered: Remembered }

/** How many finished executions a device remembers. */
export const MEMORY_SIZE = 1000

/** Remembers the last `size` finished executions, and every one that is still being acted on. */
export function createMemory(size = MEMORY_SIZE): Memory {
  const acting = new Set<string>()
  const finished = new Map<string, Remembered>()
  return {
    recall: (executionId) => (acting.has(executionId) ? { kind: 'acting' } : finished.get(executionId)),
    begin: (executionId) => void acting.add(executionId),
    finish(executionId, answer) {
      acting.delete(executionId)
      finished.set(executionId, answer === 'silent' ? { kind: 'silent' } : { kind: 'answered', answer })
      const [oldest] = finished.keys()
      if (finished.size > size && oldest !== undefined) finished.delete(oldest)
    },
  }
}

/** Whether to act on a request, at `nowSeconds` (Unix time). Expired comes first: not even an answer is due then. */
export function judgeRequest(request: DeviceRequest, memory: Memory, nowSeconds: number): Verdict {
  const deadline = request.timestamp + request.ttl
  if (isExpired(request, nowSeconds)) return { kind: 'expired', secondsLate: nowSeconds - deadline }
  const remembered = memory.recall(request.executionId)
  return remembered ? { kind: 'repeated', remembered } : { kind: 'act', secondsLeft: deadline - nowSeconds }
}

/** The response as it goes over the wire; one that the service would refuse becomes a FAILED that says why. */
export function encodeAnswer(response: DeviceResponse, nowSeconds: number): EncodedAnswer {
  const { status, result, reason } = response
  const payload = stringify({ status, result, reason, timestamp: Math.floor(nowSeconds) })
  const parsed = parseResponse(new TextEncoder().encode(payload))
  if (parsed.ok) return { status, payload }
  const instead = { status: 'FAILED', reason: { code: 'RESPONSE_INVALID', message: parsed.problem } } as const
  return { status: 'FAILED', payload: JSON.stringify(instead), problem: parsed.problem }
}

/** What `act` answers; where it throws, a FAILED that says so. */
export async function runAct(
  act: Act,
  request: DeviceRequest,
  signal: AbortSignal,
): Promise<DeviceResponse | 'silent'> {
  try {
    return await act(request, signal)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { status: 'FAILED', reason: { code: 'DEVICE_ERROR', message: cleanText(message) } }
  }
}

/** Short enough for a reason, without what the service cannot store. */
const cleanText = (text: string): string => text.slice(0, 512).replace(/\0|\p{Surrogate}/gu, '\uFFFD')

/** JSON text, or none where the value is circular, holds a BigInt, or is too deep: `parseResponse` then refuses it. */
function stringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}
