import { type SQL, sql } from 'drizzle-orm'
import { executionStatus } from '../db/schema.ts'
import type { Context } from './context.ts'
import { type CountedRows, countedRows } from './counted-rows.ts'
import type { ExecutionStatus } from './execution.ts'
import type { ExecutionFilter } from './filter.ts'
import { readCounted } from './read-counted.ts'
import { addToHistogram, describeRoundTrips, type Histogram, type RoundTrip } from './round-trips.ts'
import { bucketsOf, endOf, type StatsBucket, type StatsRange, statsRange } from './stats-range.ts'

export type StatusCounts = Record<ExecutionStatus, number>

/** What became of the executions that were sent in some time. */
export interface Tally {
  from: Date
  to: Date
  counts: StatusCounts
  roundTrip: RoundTrip
}

export interface ExecutionStats extends Tally {
  bucket: StatsBucket
  /** What was sent before it is not counted; `from`, unless that would have been too many. */
  countedFrom: Date
  buckets: Tally[]
}

interface Sum {
  counts: StatusCounts
  histogram: Histogram
}

interface Row {
  at: number | null
  status: ExecutionStatus
  n: number
  steps: number[]
  stepCounts: number[]
  countedFrom: number | null
}

/** What became of the executions that match, in all and by minute, hour or day. Exact, but for the percentiles. */
export async function readExecutionStats(
  { db }: Pick<Context, 'db'>,
  filter: ExecutionFilter,
  bucket: StatsBucket,
): Promise<ExecutionStats> {
  return readCounted({ db }, async (tx, known) => {
    const range = statsRange(filter.createdAt, bucket, known.now)
    const rows: Row[] = await tx
      .select({
        at: sql<number | null>`(extract(epoch from at) * 1000)::float8`,
        status: sql<ExecutionStatus>`status`,
        n: sql<number>`n`,
        steps: sql<number[]>`steps`,
        stepCounts: sql<number[]>`step_counts`,
        countedFrom: sql<number | null>`(extract(epoch from counted_from) * 1000)::float8`,
      })
      .from(sql`(${byBucketAndStatus(countedRows(filter, range, known))}) as stats`)
    return summarize(range, rows)
  })
}

const byBucketAndStatus = ({ scanned, rows, countedFrom }: CountedRows): SQL => sql`
  with scanned as materialized (${scanned})
  select at, status, n, steps, step_counts, counted_from
  from (${countedFrom}) as extent left join (
    select at, status, sum(n)::float8 as n, json_agg(step) as steps, json_agg(n) as step_counts
    from (select at, status, step, sum(n)::float8 as n from (${rows}) as rows group by 1, 2, 3) as by_step group by 1, 2
  ) as by_status on true`

function summarize(range: StatsRange, rows: readonly Row[]): ExecutionStats {
  const whole = newSum()
  const buckets = new Map(bucketsOf(range).map((at) => [at, newSum()]))
  for (const row of rows) {
    const bucket = row.at === null ? undefined : buckets.get(Number(row.at))
    if (!bucket) continue
    for (const sum of [whole, bucket]) {
      sum.counts[row.status] += Number(row.n)
      addToHistogram(sum.histogram, row.steps, row.stepCounts)
    }
  }
  const [first] = rows
  return {
    ...tallyOf(range.from, range.to, whole),
    bucket: range.bucket,
    countedFrom: new Date(Number(first?.countedFrom ?? range.from)),
    buckets: [...buckets].map(([at, sum]) => tallyOf(at, endOf(at, range.bucket), sum)),
  }
}

const noCounts = (): StatusCounts =>
  Object.fromEntries(executionStatus.enumValues.map((status) => [status, 0])) as StatusCounts

const newSum = (): Sum => ({ counts: noCounts(), histogram: new Map() })

const tallyOf = (from: number, to: number, { counts, histogram }: Sum): Tally => ({
  from: new Date(from),
  to: new Date(to),
  counts,
  roundTrip: describeRoundTrips(histogram),
})

export const totalOf = (counts: StatusCounts): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

/** Of those that had an end which says something: it succeeded, or it did not. Null where there is none. */
export function successRateOf({ SUCCEEDED, FAILED, REJECTED, TIMED_OUT }: StatusCounts): number | null {
  const ended = SUCCEEDED + FAILED + REJECTED + TIMED_OUT
  return ended > 0 ? SUCCEEDED / ended : null
}
