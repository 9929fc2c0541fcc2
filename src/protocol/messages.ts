/**
 * The payloads of the wire contract (PROTOCOL.md), written and validated in this one place.
 * Pure: imports nothing of ours but its neighbours in this folder.
 */
import { z } from 'zod'
import { decodeJson, findJsonProblem, type Json, type JsonObject } from './json.ts'

/** The most bytes a request or a response may have: what the embedded broker takes, and what EMQX is told to take. */
export const MAX_MESSAGE_BYTES = 256 * 1024

export interface RequestMessage {
  commandId: string
  action: string
  params: JsonObject
  /** Unix time in seconds at which the request was made. */
  timestamp: number
  /** Seconds from `timestamp` after which a device must ignore the request. */
  ttl: number
}

export const RESPONSE_STATUSES = ['SUCCEEDED', 'FAILED', 'REJECTED'] as const
export type ResponseStatus = (typeof RESPONSE_STATUSES)[number]

export interface ResponseMessage {
  status: ResponseStatus
  result: Json | null
  reason: { code: string; message: string | null } | null
}

export type ParsedResponse = { ok: true; response: ResponseMessage } | { ok: false; problem: string }

const reasonSchema = z.looseObject({
  code: z.string().regex(/^[A-Z0-9_-]{1,64}$/, 'expected 1 to 64 characters of A-Z, 0-9, _ and -'),
  message: z.string().max(1024, 'expected at most 1,024 characters').nullish(),
})

// A device may add members of its own; what is named here must be right.
const responseSchema = z.looseObject({
  status: z.enum(RESPONSE_STATUSES, { error: `expected one of ${RESPONSE_STATUSES.join(', ')}` }),
  result: z.unknown().optional(),
  reason: reasonSchema.nullish(),
  timestamp: z.number('expected Unix time in seconds').nonnegative('expected Unix time in seconds').nullish(),
})

const requestSchema = z.looseObject({
  commandId: z.string(),
  action: z.string(),
  params: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  timestamp: z.number(),
  ttl: z.number(),
})

export const encodeRequest = (message: RequestMessage): string => JSON.stringify(message)

/** What a device reads of a request, or undefined where the payload is not one. */
export function parseRequest(payload: Uint8Array): RequestMessage | undefined {
  const parsed = requestSchema.safeParse(readJson(payload).value)
  return parsed.success ? parsed.data : undefined
}

/** Whether a request may no longer be acted on, at `nowSeconds` (Unix time). */
export const isExpired = (request: Pick<RequestMessage, 'timestamp' | 'ttl'>, nowSeconds: number): boolean =>
  nowSeconds >= request.timestamp + request.ttl

/** What a device answered, or what is wrong with it in one line that names the member. */
export function parseResponse(payload: Uint8Array): ParsedResponse {
  if (payload.byteLength > MAX_MESSAGE_BYTES) return refuse(`payload: expected at most ${MAX_MESSAGE_BYTES} bytes`)
  const { value, problem } = readJson(payload)
  if (problem) return refuse(problem)
  const unstorable = findJsonProblem(value)
  if (unstorable) return refuse(`${['payload', ...unstorable.path].join('.')}: ${unstorable.problem}`)
  const parsed = responseSchema.safeParse(value)
  if (!parsed.success) return refuse(describe(parsed.error))
  const { status, result, reason } = parsed.data
  return {
    ok: true,
    response: {
      status,
      result: (result ?? null) as Json,
      reason: reason ? { code: reason.code, message: reason.message ?? null } : null,
    },
  }
}

function refuse(problem: string): ParsedResponse {
  // Cut between characters: half a surrogate pair at the end could not be stored.
  return { ok: false, problem: problem.slice(0, 512).replace(/\p{Surrogate}$/u, '') }
}

function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'payload'}: ${issue.message}`).join('; ')
}

function readJson(payload: Uint8Array): { value?: unknown; problem?: string } {
  try {
    return { value: decodeJson(payload) }
  } catch (error) {
    return { problem: error instanceof SyntaxError ? 'payload: expected JSON' : 'payload: expected UTF-8 text' }
  }
}
