/** An execution and its states: pure, no I/O. */
import type { executions, ignoredResponses } from '../db/schema.ts'
import type { Json } from '../protocol/json.ts'

export type Execution = typeof executions.$inferSelect
export type ExecutionStatus = Execution['status']
export type TerminalStatus = Exclude<ExecutionStatus, 'SENT'>
/** How often a request may be published: once, or until it is answered or expires. */
export type Delivery = NonNullable<Execution['delivery']>
export type IgnoredResponse = typeof ignoredResponses.$inferSelect

export const DEFAULT_TTL_SECONDS = 30
export const MIN_TTL_SECONDS = 1
export const MAX_TTL_SECONDS = 86_400

/** SENT is the one status that is not terminal. */
export const isSettled = (execution: Pick<Execution, 'status'>): boolean => execution.status !== 'SENT'

/** How many responses that were not applied are kept with an execution; the rest are counted. */
export const MAX_EVIDENCE = 10

/**
 * How often subscribers had something to be told of it: it settles once, and each response that is kept is a change.
 * The greater number is the newer state, whatever the clocks say. `listVersions` computes the same in the database.
 */
export const versionOf = (execution: Pick<Execution, 'status' | 'ignoredCount'>): number =>
  Math.min(execution.ignoredCount, MAX_EVIDENCE) + (isSettled(execution) ? 1 : 0)

/** The pauses between the publishes of an AT_LEAST_ONCE request: each twice as long as the one before, up to the longest. */
export const BACKOFF_SECONDS = { first: 2, longest: 64 }
/** With less of the TTL left a request is not published again: a broker counts in whole seconds when to drop it. */
export const LEAST_LEFT_SECONDS = 1

/** Seconds from its creation until an AT_LEAST_ONCE request is published for the second time; undefined: never. */
export const publishAgainIn = (ttl: number): number | undefined =>
  BACKOFF_SECONDS.first + LEAST_LEFT_SECONDS <= ttl ? BACKOFF_SECONDS.first : undefined

/** Null is how the usual one is stored. */
export const deliveryOf = ({ delivery }: Pick<Execution, 'delivery'>): Delivery => delivery ?? 'AT_MOST_ONCE'

/** Counted before each publish: never less than what the broker got. */
export const publishCountOf = ({ publishCount }: Pick<Execution, 'publishCount'>): number => publishCount ?? 1

export const isValidTtl = (ttl: number): boolean =>
  Number.isInteger(ttl) && ttl >= MIN_TTL_SECONDS && ttl <= MAX_TTL_SECONDS

/** What a device's answer says, whichever way it came here. */
export interface Answer {
  status: ExecutionStatus | null
  result: Json | null
  reasonCode: string | null
  reasonMessage: string | null
}

/** Why a response to a settled execution was not applied: the thing answered again, or it answered too late. */
export function causeOfIgnoring(status: TerminalStatus): 'LATE' | 'REPEATED' {
  return status === 'TIMED_OUT' || status === 'CANCELED' ? 'LATE' : 'REPEATED'
}

/** Why the execution has its status, for people and for programs. CANCELED and SUCCEEDED need no reason. */
export function statusReason(execution: Execution): { code: string; message: string | null } | null {
  if (!execution.reasonCode) return null
  // A thing may use one of our codes, and means its own by it.
  const known = execution.status === 'TIMED_OUT' ? REASON_MESSAGES[execution.reasonCode] : undefined
  return { code: execution.reasonCode, message: execution.reasonMessage ?? known ?? null }
}

const REASON_MESSAGES: Record<string, string> = {
  NO_RESPONSE: 'The thing did not answer before the TTL passed. It may have acted all the same.',
  NO_SUBSCRIBER:
    'Nobody was subscribed to the request when it was published, and no answer came before the TTL passed.',
}
