import { STATUS_CODES } from 'node:http'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Logger } from '../base/log.ts'
import { describeFailure, type ErrorCode, type Failure, type UserError } from '../domain/errors.ts'
import { CHALLENGE } from './caller.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** Problem details (RFC 9457) with the `code` that the GraphQL API has for it. */
export interface Problem {
  type: 'about:blank'
  title: string
  status: number
  detail: string
  code: string
  /** One for each thing that is wrong with the input. */
  errors?: { code: string; message: string; path: string[] }[]
  /** The execution that was recorded all the same (DELIVERY_UNCONFIRMED). */
  executionId?: string
}

const STATUS_OF: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  THING_NOT_FOUND: 404,
  EXECUTION_NOT_FOUND: 404,
  IDEMPOTENCY_CONFLICT: 409,
  ACTION_UNKNOWN: 422,
  PARAMS_INVALID: 422,
  TTL_OUT_OF_RANGE: 422,
  BROKER_UNAVAILABLE: 503,
  OVERLOADED: 503,
  RATE_LIMITED: 429,
  DELIVERY_UNCONFIRMED: 503,
}

const RETRY_AFTER_SECONDS = '1'

/** The answer that tells a problem. */
export function problemResponse(
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  more: Partial<Problem> = {},
): Response {
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    ...more,
  }
  return new Response(JSON.stringify(problem), { status, headers: { 'content-type': PROBLEM_TYPE } })
}

/** Thrown by a handler, it becomes the answer. */
export const problem = (...args: Parameters<typeof problemResponse>): HTTPException =>
  new HTTPException(args[0], { res: problemResponse(...args) })

/** What a mutation of the domain reports. The first error decides the status; all are listed. */
export function problemOf(errors: readonly UserError[]): HTTPException {
  const [first] = errors
  if (!first) throw new Error('a failure without an error')
  const thrown = problem(STATUS_OF[first.code] ?? 400, first.code, errors.map(({ message }) => message).join(' '), {
    errors: errors.map(({ code, message, path }) => ({ code, message, path })),
    ...(first.executionId && { executionId: first.executionId }),
  })
  if (first.code === 'OVERLOADED') thrown.res?.headers.set('retry-after', RETRY_AFTER_SECONDS)
  if (first.retryAfterMs) thrown.res?.headers.set('retry-after', String(Math.ceil(first.retryAfterMs / 1000)))
  return thrown
}

const FAILURE_STATUS: Record<Failure['code'], ContentfulStatusCode> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  EXECUTION_NOT_FOUND: 404,
  THING_NOT_FOUND: 404,
  TOO_MANY_SUBSCRIPTIONS: 429,
  DATABASE_UNAVAILABLE: 503,
  INTERNAL_SERVER_ERROR: 500,
}

/** The answer to what a handler threw. */
export function explainError(log: Logger, error: Error, requestId: string | undefined): Response {
  // Without an answer of its own it is the framework's: a body that is no JSON.
  if (error instanceof HTTPException) return error.res ?? problemResponse(400, 'INPUT_INVALID', error.message)
  const { code, message } = describeFailure(error)
  if (code === 'INTERNAL_SERVER_ERROR') log.error({ err: error, requestId }, 'a request failed')
  const response = problemResponse(FAILURE_STATUS[code], code === 'BAD_USER_INPUT' ? 'INPUT_INVALID' : code, message)
  if (code === 'UNAUTHENTICATED')
    for (const [name, value] of Object.entries(CHALLENGE)) response.headers.set(name, value)
  return response
}
