/** What the metrics are told of sends and settlings. */
import type { Metrics } from '../base/metrics.ts'
import { describeFailure, ERROR_CODES, type Outcome } from './errors.ts'
import type { Execution, TerminalStatus } from './execution.ts'
import type { RefusalCause } from './refusals.ts'

const SENT = 'SENT'
const FAILURES = ['DATABASE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR']
const STATUSES: readonly TerminalStatus[] = ['SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED']
const ANSWERS: readonly string[] = ['SUCCEEDED', 'FAILED', 'REJECTED']

/** A valid answer that came after the execution was settled. */
export const IGNORED_CAUSES: readonly RefusalCause[] = ['LATE', 'REPEATED']
/** What was no answer of that thing at all. */
export const REFUSED_CAUSES: readonly RefusalCause[] = [
  'BAD_TOPIC',
  'MALFORMED',
  'UNKNOWN_EXECUTION',
  'WRONG_THING',
  'UNSTORABLE',
]

/** Each outcome and status is there from the beginning: of what appears with its first event, Prometheus sees no increase. */
export function beginCounting({ sends, settlings, roundTrip, batchSize, expiryLateness }: Metrics): void {
  for (const outcome of [SENT, ...Object.keys(ERROR_CODES), ...FAILURES]) sends.inc({ outcome }, 0)
  for (const status of STATUSES) settlings.inc({ status }, 0)
  for (const status of ANSWERS) roundTrip.zero({ status })
  for (const of of ['sends', 'responses']) batchSize.zero({ of })
  expiryLateness.zero({})
}

/** Counts a send from its beginning to its answer. */
export async function countSend(
  { sends, sendsUnderWay }: Metrics,
  send: () => Promise<Outcome<Execution>>,
): Promise<Outcome<Execution>> {
  sendsUnderWay.inc()
  try {
    const sent = await send()
    sends.inc({ outcome: sent.ok ? SENT : (sent.errors[0]?.code ?? 'INTERNAL_SERVER_ERROR') })
    return sent
  } catch (error) {
    sends.inc({ outcome: describeFailure(error).code })
    throw error
  } finally {
    sendsUnderWay.dec()
  }
}

/** Counts what one statement settled: once for each status, and the time that each answer and each timeout took. */
export function countSettled({ settlings, roundTrip, expiryLateness }: Metrics, settled: readonly Execution[]): void {
  const counts = new Map<string, number>()
  for (const { status, createdAt, expiresAt, settledAt } of settled) {
    counts.set(status, (counts.get(status) ?? 0) + 1)
    const at = settledAt?.getTime() ?? 0
    if (status === 'TIMED_OUT') expiryLateness.observe(secondsBetween(expiresAt.getTime(), at))
    else if (status !== 'CANCELED') roundTrip.observe({ status }, secondsBetween(createdAt.getTime(), at))
  }
  for (const [status, count] of counts) settlings.inc({ status }, count)
}

const secondsBetween = (from: number, to: number): number => Math.max(0, to - from) / 1000
