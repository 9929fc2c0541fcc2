import { sql } from 'drizzle-orm'
import { sqlState } from '../db/errors.ts'
import { executionStatsProgress } from '../db/schema.ts'
import type { Context } from './context.ts'
import type { Progress, Transaction } from './count-settled.ts'
import { ArgumentError } from './errors.ts'

/** What is counted already, and the time, both by the database. */
export interface Known {
  now: Date
  progress: Progress | undefined
}

const MAX_SECONDS = 3
/**
 * The newest of many are in the order of an index. The planner would rather read all of them and sort them, where they are
 * some thousand.
 */
const SETTINGS = {
  timeout: sql`set_config('statement_timeout', ${`${MAX_SECONDS}s`}, true)`,
  bitmapScan: sql`set_config('enable_bitmapscan', 'off', true)`,
  seqScan: sql`set_config('enable_seqscan', 'off', true)`,
  workMem: sql`set_config('work_mem', '16MB', true)`,
  parallel: sql`set_config('max_parallel_workers_per_gather', '0', true)`,
}
const QUERY_CANCELED = '57014'

/** Reads what is counted and what is not yet at one moment, so that nothing is in neither, or in both. */
export async function readCounted<T>(
  { db }: Pick<Context, 'db'>,
  read: (tx: Transaction, known: Known) => Promise<T>,
): Promise<T> {
  try {
    return await db.transaction(
      async (tx) => {
        const [clock] = await tx
          .select({ ms: sql<number>`(extract(epoch from clock_timestamp()) * 1000)::float8`, ...SETTINGS })
          .from(sql`(select) as clock`)
        const [progress] = await tx.select().from(executionStatsProgress)
        return read(tx, { now: new Date(Number(clock?.ms)), progress })
      },
      { isolationLevel: 'repeatable read', accessMode: 'read only' },
    )
  } catch (error) {
    if (sqlState(error) !== QUERY_CANCELED) throw error
    throw new ArgumentError(
      'filter',
      `could not be counted within ${MAX_SECONDS} seconds, expected a shorter createdAt`,
    )
  }
}
