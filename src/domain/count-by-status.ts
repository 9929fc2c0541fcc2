import { desc, type SQL, sql } from 'drizzle-orm'
import { executionStatus, executions } from '../db/schema.ts'
import type { Context } from './context.ts'
import { NOTHING_BELOW, type Progress, type Transaction } from './count-settled.ts'
import { countedCondition, isKnown, newestOf, open, settledLately } from './counted-rows.ts'
import type { ExecutionStatus } from './execution.ts'
import { type ExecutionFilter, filterCondition } from './filter.ts'
import { candidates } from './list-executions.ts'
import { readCounted } from './read-counted.ts'

/** How many match; with `isMore` there are more than `count`. */
export interface StatusCount {
  status: ExecutionStatus
  count: number
  isMore: boolean
}

/** Of each status at most so many are counted, where they have to be looked up one by one; for a narrowed caller, of all. */
export const MAX_COUNT = 10_000

/** How many executions match, by status: all, or enough to say that they are many. Its cost has a bound. */
export async function countByStatus({ db }: Pick<Context, 'db'>, filter: ExecutionFilter): Promise<StatusCount[]> {
  const statuses = executionStatus.enumValues.filter((one) => filter.status?.includes(one) ?? true)
  if (statuses.length === 0) return []
  return readCounted({ db }, async (tx, { progress }) => {
    const count = await countWith(tx, filter, statuses, progress)
    const found = new Map(count.map((one) => [one.status, one]))
    return statuses.map((status) => found.get(status) ?? { status, count: 0, isMore: false })
  })
}

function countWith(
  tx: Transaction,
  filter: ExecutionFilter,
  statuses: ExecutionStatus[],
  progress: Progress | undefined,
): Promise<StatusCount[]> {
  if (progress?.downToId === NOTHING_BELOW && isKnown(filter) && !filter.createdAt)
    return sumCounted(tx, filter, progress)
  return filter.scope ? countVisible(tx, filter, statuses) : countEach(tx, filter, statuses)
}

async function sumCounted(tx: Transaction, filter: ExecutionFilter, progress: Progress): Promise<StatusCount[]> {
  const columns = sql`${executions.status} as status, 1 as n`
  const days = sql`select status, executions as n from execution_stats where ${countedCondition(filter, 'DAY')}`
  const rows = sql`${days} union all ${settledLately(filter, progress, columns)} union all ${open(filter, columns)}`
  const sums = await tx
    .select({ status: sql<ExecutionStatus>`status`, count: sql<number>`sum(n)::float8` })
    .from(sql`(${rows}) as rows`)
    .groupBy(sql`status`)
  return sums.map(({ status, count }) => ({ status, count: Number(count), isMore: false }))
}

/** Of each status by itself, in whatever order: it is only how many there are that counts. */
async function countEach(
  tx: Transaction,
  filter: ExecutionFilter,
  statuses: ExecutionStatus[],
): Promise<StatusCount[]> {
  const look = { range: undefined, limit: MAX_COUNT + 1, direction: desc, columns: sql`${executions.id}` }
  const queries = statuses.map(
    (status): SQL => sql`select ${status}::execution_status as status, count(*) as n
      from (select from (${candidates({ ...filter, status: [status] }, look)}) as found limit ${MAX_COUNT + 1}) as found`,
  )
  const counts = await tx
    .select({ status: sql<ExecutionStatus>`status`, n: sql<number>`n::float8` })
    .from(sql`(${sql.join(queries, sql` union all `)}) as counts`)
  return counts.map(({ status, n }) => ({
    status,
    count: Math.min(Number(n), MAX_COUNT),
    isMore: Number(n) > MAX_COUNT,
  }))
}

/** What the caller may see among the newest. */
async function countVisible(
  tx: Transaction,
  filter: ExecutionFilter,
  statuses: ExecutionStatus[],
): Promise<StatusCount[]> {
  const visible = filterCondition({ scope: filter.scope }) ?? sql`true`
  const query = sql`with newest as materialized (${newestOf(filter, MAX_COUNT + 1)})
    select status, count(*)::float8 as n, (select count(*) from newest)::float8 as looked_at
    from newest as executions where ${visible} group by status
    union all select null, 0, count(*)::float8 from newest`
  const counts = await tx
    .select({ status: sql<ExecutionStatus | null>`status`, n: sql<number>`n`, lookedAt: sql<number>`looked_at` })
    .from(sql`(${query}) as counts`)
  const isMore = counts.some(({ lookedAt }) => Number(lookedAt) > MAX_COUNT)
  return statuses.map((status) => {
    const count = Number(counts.find((one) => one.status === status)?.n ?? 0)
    return { status, count: Math.min(count, MAX_COUNT), isMore }
  })
}
