import { isDatabaseUnavailable } from '../db/errors.ts'

/** Each with the reason for which a caller would tell them apart. The descriptions are those of the API. */
export const ERROR_CODES = {
  THING_NOT_FOUND: 'No thing is registered under this id.',
  THING_ALREADY_REGISTERED: 'A thing is registered under this id already; use updateThing.',
  CLIENT_ID_TAKEN:
    'Another thing has this clientId. A client is one thing, because whoever holds it can answer for it.',
  THING_TYPE_NOT_FOUND: 'No Thing Type is defined under this name.',
  THING_TYPE_IN_USE: 'Things have this type; give them another one or none first.',
  KEY_NOT_FOUND: 'There is no API key with this id.',
  EXECUTION_NOT_FOUND: 'There is no execution with this id.',
  ALREADY_SETTLED: 'The execution has its terminal status, which never changes again.',
  ACTION_UNKNOWN: "The thing's type defines commands, and none of this name.",
  PARAMS_INVALID:
    "`params` does not satisfy the command's `paramsSchema`, takes too long to be checked against it, or cannot be stored. One error for each violation.",
  TTL_OUT_OF_RANGE: 'A TTL is a whole number of seconds from 1 to 86,400.',
  SCHEMA_INVALID:
    'Not a JSON Schema (2020-12), one that refers to something that is not in it, or one that takes too long to be checked.',
  INPUT_INVALID: 'A value that does not have the form that the field asks for.',
  IDEMPOTENCY_CONFLICT: 'The idempotency key was used before with another request.',
  BROKER_UNAVAILABLE: 'There is no link to the MQTT broker. Nothing was sent and nothing recorded: try again.',
  OVERLOADED:
    'More sends are under way than the service takes (MAX_SENDS), or it waited too long for the database or for the check of its params. Nothing was sent and nothing recorded: try again, after a second at the earliest.',
  RATE_LIMITED:
    'More commands came from this caller, or for this thing, than the service takes in a second (RATE_LIMIT_KEY, RATE_LIMIT_THING). Nothing was sent and nothing recorded: try again after `retryAfterMs`.',
  DELIVERY_UNCONFIRMED:
    'The link to the MQTT broker broke before it confirmed the request. The execution is recorded (`executionId`) and stays SENT until a response or its TTL; the request may or may not have reached the thing. Do not send it again before you know. (An AT_LEAST_ONCE command that will be published again is no such failure.)',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** An expected failure of a mutation: data, not an exception. */
export interface UserError {
  code: ErrorCode
  message: string
  /** Where in the input, such as ["params", "value"]. */
  path: string[]
  /** The execution it is about, where one was recorded. */
  executionId?: string
  /** Milliseconds after which it is worth trying again (RATE_LIMITED). */
  retryAfterMs?: number
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; errors: UserError[] }

export const succeed = <T>(value: T): Outcome<T> => ({ ok: true, value })

export const fail = (...errors: UserError[]): { ok: false; errors: UserError[] } => ({ ok: false, errors })

export const userError = (code: ErrorCode, path: string[], message: string): UserError => ({ code, path, message })

/** A query's argument that cannot be used: a page size, a cursor, a filter. */
export class ArgumentError extends Error {
  override name = 'ArgumentError'
  readonly argument: string

  constructor(argument: string, expected: string) {
    super(`${argument}: ${expected}`)
    this.argument = argument
  }
}

/** The caller is not known. */
export class Unauthenticated extends Error {
  override name = 'Unauthenticated'
}

/** The caller is known, and may not do this. */
export class Forbidden extends Error {
  override name = 'Forbidden'
}

export interface Failure {
  code:
    | 'BAD_USER_INPUT'
    | 'UNAUTHENTICATED'
    | 'FORBIDDEN'
    | 'DATABASE_UNAVAILABLE'
    | 'EXECUTION_NOT_FOUND'
    | 'THING_NOT_FOUND'
    | 'TOO_MANY_SUBSCRIPTIONS'
    | 'INTERNAL_SERVER_ERROR'
  message: string
}

/** A subscription to an execution that does not exist. */
export class ExecutionNotFound extends Error {
  override name = 'ExecutionNotFound'

  constructor(id: string) {
    super(`id: there is no execution ${JSON.stringify(id.slice(0, 64))}`)
  }
}

/** A subscription to a thing that is not registered. */
export class ThingNotFound extends Error {
  override name = 'ThingNotFound'

  constructor(id: string) {
    super(`id: no thing ${JSON.stringify(id.slice(0, 128))} is registered`)
  }
}

/** A subscription beyond what one caller may have open. */
export class TooManySubscriptions extends Error {
  override name = 'TooManySubscriptions'

  constructor(max: number) {
    super(`There are ${max} subscriptions open already, which is the most for one caller here: complete some first.`)
  }
}

/** The connection may have broken in the middle of a commit, so it does not say that nothing was done. */
const DATABASE_UNAVAILABLE =
  'The database cannot be used at the moment. Try again. What you asked for may have been recorded all the same: repeat a command with its idempotency key.'

/** What a caller may be told of an exception. Anything unforeseen says nothing of what happened inside. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof ArgumentError) return { code: 'BAD_USER_INPUT', message: error.message }
  if (error instanceof Unauthenticated) return { code: 'UNAUTHENTICATED', message: error.message }
  if (error instanceof Forbidden) return { code: 'FORBIDDEN', message: error.message }
  if (error instanceof ExecutionNotFound) return { code: 'EXECUTION_NOT_FOUND', message: error.message }
  if (error instanceof ThingNotFound) return { code: 'THING_NOT_FOUND', message: error.message }
  if (error instanceof TooManySubscriptions) return { code: 'TOO_MANY_SUBSCRIPTIONS', message: error.message }
  if (isDatabaseUnavailable(error)) {
    return { code: 'DATABASE_UNAVAILABLE', message: DATABASE_UNAVAILABLE }
  }
  return { code: 'INTERNAL_SERVER_ERROR', message: 'Something went wrong inside the service. It has been logged.' }
}
