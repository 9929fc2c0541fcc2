/**
 * How long devices took to answer, as a histogram: the steps of a logarithmic scale, and how many answers were within each.
 * Histograms add up, which percentiles do not.
 */
import { type SQL, sql } from 'drizzle-orm'
import { executions } from '../db/schema.ts'

/** In each doubling of the time. A step is 9 % wide, and its middle no more than 4.5 % off whatever is in it. */
const STEPS_IN_A_DOUBLING = 8
/** Of what no device answered: it has no round trip. */
export const NO_ROUND_TRIP = -1

/** The step of a row of `executions`, in the database. Less than a millisecond counts as one: instants hold no more. */
export const roundTripStep: SQL = sql`(case when ${executions.status} in ('SUCCEEDED', 'FAILED', 'REJECTED')
  then floor(ln(greatest(extract(epoch from ${executions.settledAt} - ${executions.createdAt})::float8 * 1000, 1))
    * ${sql.raw(String(STEPS_IN_A_DOUBLING / Math.LN2))}::float8 + 1e-6)
  else ${sql.raw(String(NO_ROUND_TRIP))} end)::smallint`

/** How many answers each step had. */
export type Histogram = Map<number, number>

export function addToHistogram(histogram: Histogram, steps: readonly number[], counts: readonly number[]): void {
  for (const [index, step] of steps.entries()) {
    if (step !== NO_ROUND_TRIP) histogram.set(step, (histogram.get(step) ?? 0) + Number(counts[index]))
  }
}

/** Milliseconds; null where there was no answer. */
export interface RoundTrip {
  answers: number
  p50: number | null
  p95: number | null
  p99: number | null
}

export function describeRoundTrips(histogram: Histogram): RoundTrip {
  const steps = [...histogram].sort(([one], [other]) => one - other)
  const answers = steps.reduce((sum, [, count]) => sum + count, 0)
  const at = (share: number) => (answers > 0 ? percentile(steps, Math.ceil(share * answers)) : null)
  return { answers, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** The middle of the step in which the answer of this rank is. */
function percentile(steps: readonly [step: number, count: number][], rank: number): number {
  let before = 0
  for (const [step, count] of steps) {
    before += count
    if (before >= rank) return Math.round(2 ** ((step + 0.5) / STEPS_IN_A_DOUBLING) * 10) / 10
  }
  return Number.NaN
}
