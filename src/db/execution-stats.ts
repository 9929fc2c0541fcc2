/** Executions that come or go by the thousand, past the statements that settle them, and what is counted of them. */
import { and, inArray, lt, sql } from 'drizzle-orm'
import type { Database } from './connect.ts'
import { executionStats, executionStatsProgress, STATS_BUCKETS } from './schema.ts'

/** All is to be counted again: the service begins anew, and counts each question by itself until it is done. */
export async function forgetStats(db: Pick<Database, 'delete'>): Promise<void> {
  await db.delete(executionStatsProgress)
}

/** Of executions whose ids are lower, in the transaction that drops them. Their partition ends with a day. */
export async function forgetStatsBelow(db: Pick<Database, 'delete'>, below: string): Promise<void> {
  const end = sql`to_timestamp(('x' || left(replace(${below}::text, '-', ''), 12))::bit(48)::bigint / 1000.0)`
  await db
    .delete(executionStats)
    .where(and(inArray(executionStats.bucket, [...STATS_BUCKETS]), lt(executionStats.at, end)))
}
