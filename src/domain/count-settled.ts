/** What is settled, counted by minute, hour and day, and added to what was counted before. */
import { lt, type SQL, sql } from 'drizzle-orm'
import { executionStats, type executionStatsProgress, executions } from '../db/schema.ts'
import { lowestIdAt } from '../db/uuid.ts'
import type { Context } from './context.ts'
import { roundTripStep } from './round-trips.ts'

export type Transaction = Parameters<Parameters<Context['db']['transaction']>[0]>[0]
export type Progress = typeof executionStatsProgress.$inferSelect

/** `downToId` once all of the history is in. */
export const NOTHING_BELOW = lowestIdAt(0)

/** Minutes are kept for so long: most of them would be as many as the executions. */
const MINUTES_DAYS = 2
/** A part of the history: hardly longer than other statements take. */
const HISTORY_ROWS = 10_000

const instant = (at: Date): SQL => sql`${at.toISOString()}::timestamptz`

/** Minutes from then on are there. */
export const minutesSince = (now: Date): Date => new Date(now.getTime() - MINUTES_DAYS * 86_400_000)

/** Adds what was settled from one instant to before another. Found by the time of its last change, which is not earlier. */
export async function addSettled(tx: Transaction, from: Date, to: Date): Promise<void> {
  const progress = sql`settled_before = ${instant(to)} where exists (select from counted)`
  await tx.execute(addCounts(sql`${settledSince(from)} and ${executions.settledAt} < ${instant(to)}`, progress))
}

/** Adds the newest part of what was settled before it began and is not counted yet. */
export async function addHistory(tx: Transaction, { beganAt, downToId }: Progress): Promise<void> {
  const [last] = await tx
    .select({ id: sql<string>`${executions.id}::text` })
    .from(sql`executions_settled as executions`)
    .where(lt(executions.id, downToId))
    .orderBy(sql`${executions.id} desc`)
    .offset(HISTORY_ROWS - 1)
    .limit(1)
  const from = last?.id ?? NOTHING_BELOW
  const part = sql`${executions.id} >= ${from}::uuid and ${executions.id} < ${downToId}::uuid`
  const condition = sql`${part} and ${executions.settledAt} < ${instant(beganAt)}`
  await tx.execute(addCounts(condition, sql`down_to_id = ${from}::uuid`))
}

/**
 * For the planner there is nothing but a narrow range of one index in it: without statistics of the newest partition it
 * would rather read all of that.
 */
export const settledSince = (from: Date): SQL => sql`${executions.updatedAt} >= ${instant(from)}
  and ${executions.updatedAt} < 'infinity' and case when ${executions.settledAt} >= ${instant(from)} then true else false end`

export async function forgetOldMinutes({ db }: Pick<Context, 'db'>): Promise<void> {
  const { bucket, at } = executionStats
  await db.delete(executionStats).where(sql`${bucket} = 'MINUTE' and not ${areMinutesKept(sql`${at}`)}`)
}

/** By an hour more than is asked for. From a whole hour on, which is also a whole minute. */
const areMinutesKept = (at: SQL): SQL =>
  sql`(${at} >= date_trunc('hour', now() - make_interval(days => ${MINUTES_DAYS}, hours => 1), 'UTC'))`

/**
 * In one statement with how far it is: what is counted is counted once, whatever breaks. All actions and types together are
 * counted as the action '', because most questions are about these.
 */
const addCounts = (condition: SQL, progress: SQL): SQL => sql`
  with counted as materialized (
    select date_trunc(case when ${areMinutesKept(sql`created_at`)} then 'minute' else 'hour' end, created_at, 'UTC') as at, status, action, coalesce(thing_type, '') as thing_type,
      ${roundTripStep} as step, count(*) as n
    from executions_settled as executions where ${condition} group by 1, 2, 3, 4, 5
  ), parts as (
    select * from counted union all select at, status, '', '', step, sum(n) from counted group by at, status, step
  ), widened as (
    select bucket, date_trunc(bucket, at, 'UTC') as at, status, action, thing_type, step, sum(n)::bigint as n
    from parts cross join (values ('MINUTE'), ('HOUR'), ('DAY')) as buckets(bucket)
    where bucket <> 'MINUTE' or ${areMinutesKept(sql`at`)} group by 1, 2, 3, 4, 5, 6
  ), added as (
    insert into execution_stats (bucket, at, status, action, thing_type, executions, steps, step_counts)
    select bucket, at, status, action, thing_type, sum(n), array_agg(step order by step), array_agg(n order by step)
    from widened group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
    on conflict (bucket, at, status, action, thing_type) do update set
      executions = execution_stats.executions + excluded.executions,
      (steps, step_counts) = (
        select array_agg(step order by step), array_agg(n order by step) from (
          select step, sum(n)::bigint as n from (
            select * from unnest(execution_stats.steps, execution_stats.step_counts) as stored(step, n)
            union all select * from unnest(excluded.steps, excluded.step_counts) as given(step, n)
          ) as summands group by step) as merged)
  )
  update execution_stats_progress set ${progress}`
