import { setTimeout as delay } from 'node:timers/promises'
import { and, asc, eq, gte, lt, lte, sql } from 'drizzle-orm'
import { sqlState } from '../db/errors.ts'
import { dropPartitionsBelow, expiredPartitions, type Partition } from '../db/partitions.ts'
import { executions, idempotencyKeys } from '../db/schema.ts'
import { lowestIdAt } from '../db/uuid.ts'
import type { Context } from './context.ts'

type Store = Pick<Context, 'db' | 'log'>

const LOWEST_ID = lowestIdAt(0)
const KEYS_AT_ONCE = 2_000
/** Between two batches of keys, in which others have the database. */
const BREATH_MS = 5
/** A clock that is further off than this must not decide what is deleted. */
const PLAUSIBLE_MS = 86_400_000
const LOCK_NOT_AVAILABLE = '55P03'
const MAX_TRIES = 20
const RETRY_MS = 500

/**
 * Removes executions that are older than so many days, by the clock of the database: partitions whose newest possible
 * execution is, with what was ignored of them, and their idempotency keys. Nothing leaves while an execution of its time
 * is open: where a service was down for long, expiry settles these first. Returns the end of what it dropped, if any.
 */
export async function dropExpired(
  store: Store,
  retentionDays: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const last = (await expiredPartitions(store.db, await oldestToKeep(store, retentionDays))).at(-1)
  if (!last) return undefined
  // Before their executions: a key without one would be neither free nor answered.
  await forgetKeys(store, last, signal)
  const until = await tryToDrop(store, last, signal)
  if (until) store.log.info({ until, retentionDays }, 'executions dropped')
  return until
}

/** No id that is as high leaves: its execution is too young, or one that is as old as it is open. */
async function oldestToKeep({ db, log }: Store, retentionDays: number): Promise<string> {
  const [clock] = await db
    .select({
      ms: sql<number>`(extract(epoch from now()) * 1000)::float8`,
      oldest: sql<string>`lowest_uuid_v7(now() - make_interval(days => ${retentionDays}))::text`,
    })
    .from(sql`(select) as clock`)
  if (!clock) throw new Error('the database did not tell the time')
  const now = new Date(Number(clock.ms))
  if (Math.abs(now.getTime() - Date.now()) > PLAUSIBLE_MS) {
    log.error({ now }, 'the clock of the database is a day off ours, or more: nothing is dropped by it')
    return LOWEST_ID
  }
  const [open] = await db
    .select({ id: executions.id })
    .from(executions)
    .where(eq(executions.status, 'SENT'))
    .orderBy(asc(executions.id))
    .limit(1)
  return open && open.id < clock.oldest ? open.id : clock.oldest
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

/** The end of what is gone now. Where others use it for long, it is left for the next time. */
async function tryToDrop({ db, log }: Store, { below, end }: Partition, signal?: AbortSignal) {
  for (let tries = 1; tries <= MAX_TRIES && !signal?.aborted; tries++) {
    try {
      return await dropPartitionsBelow(db, below)
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error
      await delay(RETRY_MS)
    }
  }
  log.warn({ until: end }, 'executions are to be dropped, but are always in use; it is tried again')
  return undefined
}
