/** Which actions and which things fail or do not answer most often. */
import { type SQL, sql } from 'drizzle-orm'
import type { Context } from './context.ts'
import { countedRows, newestOf } from './counted-rows.ts'
import { ArgumentError } from './errors.ts'
import { type ExecutionFilter, filterCondition } from './filter.ts'
import { readCounted } from './read-counted.ts'
import { type StatsBucket, statsRange } from './stats-range.ts'

export interface WorstAction {
  action: string
  total: number
  failed: number
  timedOut: number
}

export type WorstThing = Omit<WorstAction, 'action' | 'total'> & { thingId: string }

export const MAX_WORST = 100
/** Of the failures so many are looked at, the latest ones. */
export const MAX_FAILURES = 10_000
const FAILURES = ['FAILED', 'TIMED_OUT'] as const

/** The actions of most failures and timeouts, these first. */
export async function findWorstActions(
  { db }: Pick<Context, 'db'>,
  filter: ExecutionFilter,
  bucket: StatsBucket,
  first: number,
): Promise<WorstAction[]> {
  checkFirst(first)
  return readCounted({ db }, async (tx, known) => {
    const { scanned, rows } = countedRows(filter, statsRange(filter.createdAt, bucket, known.now), known, {
      byAction: true,
    })
    const query = sql`with scanned as materialized (${scanned})
      select action, sum(n)::float8 as total, ${failures(sql`sum(n)`)} from (${rows}) as rows
      group by action having sum(n) filter (where status in ('FAILED', 'TIMED_OUT')) > 0
      order by sum(n) filter (where status in ('FAILED', 'TIMED_OUT')) desc, action limit ${first}`
    const found = await tx
      .select({ action: sql<string>`action`, total: sql<number>`total`, ...FAILED_AND_TIMED_OUT })
      .from(sql`(${query}) as worst`)
    return found.map((row) => ({ action: row.action, total: Number(row.total), ...numbersOf(row) }))
  })
}

/** The things of most failures and timeouts, these first. */
export async function findWorstThings(
  { db }: Pick<Context, 'db'>,
  filter: ExecutionFilter,
  bucket: StatsBucket,
  first: number,
): Promise<WorstThing[]> {
  checkFirst(first)
  const status = FAILURES.filter((one) => filter.status?.includes(one) ?? true)
  return readCounted({ db }, async (tx, { now }) => {
    const { from, to } = statsRange(filter.createdAt, bucket, now)
    const createdAt = { from: new Date(from), to: new Date(to) }
    const query = sql`select thing_id, ${failures(sql`count(*)`)}
      from (${newestOf({ ...filter, status, createdAt }, MAX_FAILURES)}) as executions
      where ${filterCondition({ scope: filter.scope }) ?? sql`true`} group by thing_id order by count(*) desc, thing_id limit ${first}`
    const found = await tx
      .select({ thingId: sql<string>`thing_id`, ...FAILED_AND_TIMED_OUT })
      .from(sql`(${query}) as worst`)
    return found.map((row) => ({ thingId: row.thingId, ...numbersOf(row) }))
  })
}

const FAILED_AND_TIMED_OUT = { failed: sql<number | null>`failed`, timedOut: sql<number | null>`timed_out` }

const failures = (n: SQL): SQL => sql`
  (${n} filter (where status = 'FAILED'))::float8 as failed, (${n} filter (where status = 'TIMED_OUT'))::float8 as timed_out`

const numbersOf = ({ failed, timedOut }: { failed: number | null; timedOut: number | null }) => ({
  failed: Number(failed ?? 0),
  timedOut: Number(timedOut ?? 0),
})

function checkFirst(first: number): void {
  if (!Number.isInteger(first) || first < 1 || first > MAX_WORST)
    throw new ArgumentError('first', `got ${first}, expected a whole number from 1 to ${MAX_WORST}`)
}
