/** The requests that a device got, newest first, and what became of each: its memory, too. Pure: no I/O. */
import { type Answer, isExpired, type Request } from './protocol.ts'

export type Outcome =
  /** For the person to decide. */
  | { kind: 'waiting' }
  /** On its way: the broker has not confirmed it yet. */
  | { kind: 'answering' | 'answered'; answer: Answer; payload: string }
  /** The person chose to say nothing. */
  | { kind: 'silent' }
  /** Its time was over, when it came or before anybody decided. */
  | { kind: 'expired' }

export interface Received extends Request {
  outcome: Outcome
  /** How often it came again. */
  repeats: number
}

export type Inbox = readonly Received[]

/** One that waits is never forgotten. */
const MEMORY_SIZE = 1_000

export const find = (inbox: Inbox, executionId: string): Received | undefined =>
  inbox.find((one) => one.executionId === executionId)

export const countWaiting = (inbox: Inbox): number => inbox.filter(({ outcome }) => outcome.kind === 'waiting').length

export function take(inbox: Inbox, request: Request, nowMs: number): Inbox {
  const known = find(inbox, request.executionId)
  if (known) return change(inbox, request.executionId, { repeats: known.repeats + 1 })
  const outcome: Outcome = { kind: isExpired(request, nowMs) ? 'expired' : 'waiting' }
  return [{ ...request, outcome, repeats: 0 }, ...inbox].filter(
    (one, n) => n < MEMORY_SIZE || one.outcome.kind === 'waiting',
  )
}

export const decide = (inbox: Inbox, executionId: string, outcome: Outcome): Inbox =>
  change(inbox, executionId, { outcome })

/** Whoever did not decide in time cannot any more. */
export function expire(inbox: Inbox, nowMs: number): Inbox {
  const isLate = (one: Received) => one.outcome.kind === 'waiting' && isExpired(one, nowMs)
  if (!inbox.some(isLate)) return inbox
  return inbox.map((one) => (isLate(one) ? { ...one, outcome: { kind: 'expired' } } : one))
}

const change = (inbox: Inbox, executionId: string, changed: Partial<Received>): Inbox =>
  inbox.map((one) => (one.executionId === executionId ? { ...one, ...changed } : one))
