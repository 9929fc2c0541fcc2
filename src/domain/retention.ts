import { setTimeout as delay } from 'node:timers/promises'
import { and, asc, gte, lt, lte, sql } from 'drizzle-orm'
import { sqlState } from '../db/errors.ts'
import { dropPartition, listPartitions, type Partition } from '../db/partitions.ts'
import { executions, idempotencyKeys } from '../db/schema.ts'
import { lowestIdAt } from '../db/uuid.ts'
import type { Context } from './context.ts'

type Store = Pick<Context, 'db' | 'log'>

const LOWEST_ID = lowestIdAt(0)
const KEYS_AT_ONCE = 2_000
/** Between two batches of keys, in which others have the database. */
const BREATH_MS = 5
const LOCK_NOT_AVAILABLE = '55P03'
const MAX_TRIES = 20
const RETRY_MS = 500

/**
 * Removes executions that are older than so many days, by the clock of the database: partitions whose newest possible
 * execution is, with what was ignored of them, and their idempotency keys. Nothing leaves while an execution of its time
 * is open: where a service was down for long, expiry settles these first. Returns the ends of what it dropped.
 */
export async function dropExpired(store: Store, retentionDays: number, signal?: AbortSignal): Promise<string[]> {
  const dropped: string[] = []
  for (const partition of await findExpired(store, retentionDays)) {
    if (signal?.aborted || (await hasOpen(store, partition))) break
    // Before their executions: a key without one would be neither free nor answered.
    await forgetKeys(store, partition, signal)
    if (signal?.aborted || !(await tryToDrop(store, partition, signal))) break
    dropped.push(partition.end)
    store.log.info({ until: partition.end, retentionDays }, 'executions dropped')
  }
  return dropped
}

async function findExpired({ db }: Store, retentionDays: number): Promise<Partition[]> {
  const [clock] = await db
    .select({ oldest: sql<string>`lowest_uuid_v7(now() - make_interval(days => ${retentionDays}))::text` })
    .from(sql`(select) as clock`)
  if (!clock) throw new Error('the database did not tell the time')
  // As text the ids compare as they do in the database.
  return (await listPartitions(db)).filter(({ below }) => below <= clock.oldest)
}

async function hasOpen({ db }: Store, { below }: Partition): Promise<boolean> {
  const open = await db
    .select({ id: executions.id })
    .from(executions)
    .where(sql`${executions.status} = 'SENT' and ${lt(executions.id, below)}`)
    .limit(1)
  return open.length > 0
}

/** In batches, of which each begins where the last ended: those that are gone are not gone through again. */
async function forgetKeys({ db }: Store, { below }: Partition, signal?: AbortSignal): Promise<void> {
  const { executionId } = idempotencyKeys
  let from = LOWEST_ID
  while (!signal?.aborted) {
    const batch = await db
      .select({ executionId })
      .from(idempotencyKeys)
      .where(and(gte(executionId, from), lt(executionId, below)))
      .orderBy(asc(executionId))
      .limit(KEYS_AT_ONCE)
    const last = batch.at(-1)
    if (!last) return
    await db.delete(idempotencyKeys).where(and(gte(executionId, from), lte(executionId, last.executionId)))
    from = last.executionId
    await delay(BREATH_MS)
  }
}

/** Whether it is gone. Where others use it for long, it is left for the next time. */
async function tryToDrop({ db, log }: Store, partition: Partition, signal?: AbortSignal): Promise<boolean> {
  for (let tries = 1; tries <= MAX_TRIES && !signal?.aborted; tries++) {
    try {
      await dropPartition(db, partition)
      return true
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error
      await delay(RETRY_MS)
    }
  }
  log.warn({ until: partition.end }, 'executions are to be dropped, but are always in use; it is tried again')
  return false
}
