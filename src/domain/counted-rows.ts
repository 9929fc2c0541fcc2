/**
 * Where the numbers come from: what is counted by bucket and what came since, or, where that does not know of what is asked
 * for (a thing, a command), the newest of the executions themselves.
 */
import { and, desc, eq, gte, inArray, lt, ne, type SQL, sql } from 'drizzle-orm'
import { executionStats, executions } from '../db/schema.ts'
import { lowestIdAt } from '../db/uuid.ts'
import { minutesSince, type Progress, settledSince } from './count-settled.ts'
import { type ExecutionFilter, filterCondition, isLikeAny, storable } from './filter.ts'
import { candidates } from './list-executions.ts'
import type { Known } from './read-counted.ts'
import { roundTripStep } from './round-trips.ts'
import type { StatsBucket, StatsRange } from './stats-range.ts'

/** So many executions are gone through one by one; what is older is left out. */
export const MAX_SCANNED = 100_000

/** What a query selects from, after `with scanned as materialized (…)`. */
export interface CountedRows {
  scanned: SQL
  /** at, status, action, step, n. */
  rows: SQL
  /** One row: the instant that they begin at, as counted_from. */
  countedFrom: SQL
}

/** `byAction`: where the actions are to be told apart; the round trips are not, then. */
export function countedRows(
  filter: ExecutionFilter,
  range: StatsRange,
  { now, progress }: Known,
  { byAction = false } = {},
): CountedRows {
  const within = { ...filter, createdAt: { from: new Date(range.from), to: new Date(range.to) } }
  if (!progress || !isKnown(filter) || !isCovered(range, now, progress)) return oneByOne(within, range)
  const rows = sql`${byAction ? countedActions(filter, range) : counted(filter, range)} union all ${settledLately(within, progress, rowOf(range))} union all ${open(within, rowOf(range))}`
  return { scanned: sql`select`, rows, countedFrom: sql`select ${instant(range.from)} as counted_from` }
}

/** Whether it asks for nothing that is not kept with the counts. */
export const isKnown = ({ thingId, commandId, scope }: ExecutionFilter): boolean =>
  !thingId && !commandId && !scope?.things

function isCovered({ from, bucket }: StatsRange, now: Date, { downToId }: Progress): boolean {
  // `createdAt` may be rounded up from the time in the id.
  if (downToId > lowestIdAt(from - 1)) return false
  return bucket !== 'MINUTE' || from >= minutesSince(now).getTime()
}

const instant = (ms: number): SQL => sql`${new Date(ms).toISOString()}::timestamptz`

const counted = (filter: ExecutionFilter, range: StatsRange): SQL => sql`
  select at, status, action, unnest(steps) as step, unnest(step_counts) as n
  from execution_stats where ${countedWithin(range)} and ${countedCondition(filter, range.bucket)}`

const countedActions = (filter: ExecutionFilter, range: StatsRange): SQL => sql`
  select at, status, action, null as step, executions as n
  from execution_stats where ${countedWithin(range)} and ${countedCondition(filter, range.bucket, true)}`

const countedWithin = ({ from, to }: StatsRange): SQL | undefined =>
  and(gte(executionStats.at, new Date(from)), lt(executionStats.at, new Date(to)))

/** The filter, and what `coversExecution` says, for what is counted; '' is no type, which no pattern covers. */
export function countedCondition(
  { action, status, scope }: ExecutionFilter,
  bucket: StatsBucket,
  byAction = false,
): SQL | undefined {
  const stats = executionStats
  const isTotal = !byAction && !action && !scope
  return and(
    eq(stats.bucket, bucket),
    status ? inArray(stats.status, status) : undefined,
    isTotal ? eq(stats.action, '') : ne(stats.action, ''),
    action ? inArray(stats.action, storable(action)) : undefined,
    scope?.thingTypes ? and(ne(stats.thingType, ''), isLikeAny(stats.thingType, scope.thingTypes)) : undefined,
    scope?.actions ? isLikeAny(stats.action, scope.actions) : undefined,
  )
}

/** Found by the time of settling, which is all that the planner shall see. */
export const settledLately = (filter: ExecutionFilter, { settledBefore }: Progress, columns: SQL): SQL => sql`
  select ${columns} from executions_settled as executions
  where ${settledSince(settledBefore)} and case when ${filterCondition(filter) ?? sql`true`} then true else false end`

export const open = (filter: ExecutionFilter, columns: SQL): SQL =>
  sql`select ${columns} from executions_open as executions where ${filterCondition(filter) ?? sql`true`}`

const rowOf = ({ bucket }: StatsRange): SQL =>
  sql`date_trunc(${bucket}::text, ${executions.createdAt}, 'UTC') as at, ${executions.status} as status, ${executions.action} as action, ${roundTripStep} as step, 1 as n`

/** The newest. Where there are more, those of the last millisecond may not be complete, and are left out. */
function oneByOne(filter: ExecutionFilter, range: StatsRange): CountedRows {
  const { createdAt } = executions
  const oldest = sql`case when count(*) > ${MAX_SCANNED} then min(created_at) + interval '1 ms' else ${instant(range.from)} end`
  const countedFrom = sql`select ${oldest} as counted_from from scanned`
  const complete = sql`${createdAt} >= (${countedFrom})`
  const rows = sql`select ${rowOf(range)} from scanned as executions where ${and(complete, filterCondition({ scope: filter.scope }))}`
  return { scanned: newestOf(filter, MAX_SCANNED + 1), rows, countedFrom }
}

const { id, status, createdAt, settledAt, thingId, thingType, action } = executions
const COLUMNS = sql.join([id, status, createdAt, settledAt, thingId, thingType, action], sql`, `)

/**
 * The newest that match, whether or not the caller may see them: to look for those that he may has no bound. What he may not is
 * left out afterwards.
 */
export function newestOf({ scope, ...filter }: ExecutionFilter, limit: number): SQL {
  const found = candidates(filter, { range: undefined, limit, direction: desc, columns: COLUMNS })
  return sql`select * from (${found}) as executions order by ${executions.id} desc limit ${limit}`
}
