import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { createPartitionsAhead, type PartitionWidth } from '../db/partitions.ts'
import type { Context } from './context.ts'
import { forgetOldMinutes } from './count-settled.ts'
import { dropExpired } from './retention.ts'

type Store = Pick<Context, 'db' | 'log'>

const EVERY_MS = 60_000
/** So many dead rows among the open executions are worth a cleaning: 3 MB, and hardly any time. */
const DEAD_ROWS = 20_000
/** With weeks a partition leaves soon after its time; kept for longer, there would be too many of them. */
const MAX_DAYS_OF_WEEKS = 400

export const partitionWidth = (retentionDays: number | undefined): PartitionWidth =>
  retentionDays !== undefined && retentionDays <= MAX_DAYS_OF_WEEKS ? 'week' : 'month'

/**
 * Once a minute: partitions ahead, what is older than its time dropped, the table of open executions cleaned, old minutes
 * of the statistics forgotten. Every replica does it, and finds it done by another most of the time. Returns the function that ends it.
 */
export function startUpkeep(store: Store, retentionDays: number | undefined): () => Promise<void> {
  const stopping = new AbortController()
  const running = upkeep(store, retentionDays, stopping.signal)
  return async () => {
    stopping.abort()
    await running
  }
}

async function upkeep(store: Store, retentionDays: number | undefined, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    try {
      await createPartitionsAhead(store.db, partitionWidth(retentionDays))
      if (retentionDays !== undefined) await dropExpired(store, retentionDays, stopping)
      await cleanOpenExecutions(store)
      await forgetOldMinutes(store)
    } catch (error) {
      store.log.error({ err: error }, 'the upkeep of the database failed; it is tried again in a minute')
    }
    await delay(EVERY_MS, undefined, { signal: stopping }).catch(() => {})
  }
}

/**
 * Each open execution leaves a dead row behind. Postgres cleans up by itself where that is switched on, once a minute at
 * most; the embedded database never does.
 */
export async function cleanOpenExecutions({ db }: Pick<Context, 'db'>): Promise<boolean> {
  const [dead] = await db
    .select({ rows: sql<number>`pg_stat_get_dead_tuples('executions_open'::regclass)::float8` })
    .from(sql`(select) as statistics`)
  if (Number(dead?.rows) < DEAD_ROWS) return false
  await db.execute(sql`vacuum (skip_locked) executions_open`)
  return true
}
