/** What a caller asks for, and what can be said of it without looking anything up. */

import type { JsonObject } from '../protocol/json.ts'
import type { Caller } from './access.ts'
import { type UserError, userError } from './errors.ts'
import { type Delivery, isValidTtl } from './execution.ts'
import type { TraceContext } from './ports.ts'
import { storableText } from './text.ts'

export interface SendRequest {
  thingId: string
  action: string
  params: JsonObject | null | undefined
  /** Seconds; without a value the command definition's, else 30. */
  ttl: number | null | undefined
  idempotencyKey: string | null | undefined
  /** Without a value the command definition's, else AT_MOST_ONCE. */
  delivery?: Delivery | null | undefined
  /** Which key or user sends it. */
  caller: Caller
  /** Of the caller's request, for the log. */
  requestId?: string | undefined
  /** Of the caller's span. */
  traceContext?: TraceContext | undefined
}

/** A request as it is while it is under way. */
export interface WrittenRequest extends SendRequest {
  paramsText: string
  /** When it came, by performance.now(): its patience counts from then. */
  since: number
}

const MAX_ACTION = 128
const MAX_KEY = 255

export function findProblems({ action, ttl, idempotencyKey }: SendRequest): UserError[] {
  const errors = [
    ...storableText(['action'], action, 1, MAX_ACTION),
    ...storableText(['idempotencyKey'], idempotencyKey, 1, MAX_KEY),
  ]
  if (ttl != null && !isValidTtl(ttl)) {
    errors.push(userError('TTL_OUT_OF_RANGE', ['ttl'], `ttl: expected 1 to 86,400 seconds, got ${ttl}`))
  }
  return errors
}
