import { sql } from 'drizzle-orm'
import { pause } from '../base/pause.ts'
import { executionStats, executionStatsProgress, executions } from '../db/schema.ts'
import type { Context } from './context.ts'
import { addHistory, addSettled, NOTHING_BELOW, type Transaction } from './count-settled.ts'
import { readHorizon } from './horizon.ts'

type Store = Pick<Context, 'db' | 'log'>

const EVERY_MS = 10_000
/** Between two parts of the history, in which others have the database. */
const BREATH_MS = 100
/** After this many rows that nobody counted (a version before was in charge), to begin anew is quicker. */
const FAR_BEHIND_ROWS = 500_000
const PERHAPS_FAR_BEHIND_MS = 120_000
/** So far back clocks may be set, by a failover for example, and what is settled then is counted still. */
const MARGIN_MS = 2_000
/** A statement here may take longer than others, but must be done before the connection is taken for a broken one. */
const MAX_SECONDS = 12
const ROWS_AT_ONCE = 20_000
const ROLL_UP_LOCK = 4_262_003
const ABOVE_ALL = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * Keeps `execution_stats`: every ten seconds what was settled since the last time, and in between what was settled before
 * it first ran, in small parts. Settling knows nothing of it. Several replicas may do it, one at a time. Returns the function
 * that ends it.
 */
export function startRollUp(store: Store): () => Promise<void> {
  const stopping = new AbortController()
  const running = rollUpUntil(store, stopping.signal)
  return async () => {
    stopping.abort()
    await running
  }
}

async function rollUpUntil(store: Store, stopping: AbortSignal): Promise<void> {
  let failing = false
  while (!stopping.aborted) {
    let pauseMs = EVERY_MS
    try {
      await rollUp(store)
      const until = performance.now() + EVERY_MS
      while (!stopping.aborted && performance.now() < until && (await rollUpHistory(store)))
        await pause(BREATH_MS, stopping)
      pauseMs = until - performance.now()
      failing = false
    } catch (error) {
      if (!failing) store.log.warn({ err: error }, 'settled executions cannot be counted; it is tried again')
      failing = true
    }
    await pause(pauseMs, stopping)
  }
}

/** Counts what was settled since the last time. Begins anew where that is not known, or too much. */
export async function rollUp(store: Store, marginMs = MARGIN_MS): Promise<void> {
  await alone(store, async (tx) => {
    // Read before anything is counted: what is older can be seen by then.
    const upTo = await readSettledBefore(tx, marginMs)
    const [progress] = await tx.select().from(executionStatsProgress)
    if (!progress || (await isFarBehind(tx, progress.settledBefore, upTo))) return begin(tx, upTo)
    if (progress.settledBefore < upTo) await addSettled(tx, progress.settledBefore, upTo)
  })
}

/** Counts a part of what was settled before it began, and says whether there is more. */
export async function rollUpHistory(store: Store): Promise<boolean> {
  const more = await alone(store, async (tx) => {
    const [progress] = await tx.select().from(executionStatsProgress)
    if (!progress || progress.downToId === NOTHING_BELOW) return false
    await addHistory(tx, progress)
    return true
  })
  return more ?? false
}

/** By one replica at a time; for the others there is nothing to do then. */
function alone<T>({ db }: Store, work: (tx: Transaction) => Promise<T>): Promise<T | undefined> {
  return db.transaction(async (tx) => {
    const lock = sql<boolean>`pg_try_advisory_xact_lock(${ROLL_UP_LOCK})`
    const [got] = await tx.select({ lock }).from(sql`(select) as lock`)
    if (!got?.lock) return undefined
    await tx.execute(sql`set local work_mem = '32MB'`)
    await tx.execute(sql.raw(`set local statement_timeout = '${MAX_SECONDS}s'`))
    return work(tx)
  })
}

async function begin(tx: Transaction, upTo: Date): Promise<void> {
  for (let some = await readSome(tx); some; some = await readSome(tx))
    await tx.execute(
      sql`delete from execution_stats where ctid = any (array(select ctid from execution_stats limit ${ROWS_AT_ONCE}))`,
    )
  await tx.delete(executionStatsProgress)
  await tx.insert(executionStatsProgress).values({ settledBefore: upTo, beganAt: upTo, downToId: ABOVE_ALL })
}

const readSome = async (tx: Transaction): Promise<boolean> =>
  (await tx.select({ at: executionStats.at }).from(executionStats).limit(1)).length > 0

/** The instant before which all that was settled can be seen, however long whoever settles takes. */
async function readSettledBefore(tx: Transaction, marginMs: number): Promise<Date> {
  const { now, oldestWriter } = await readHorizon(tx)
  return new Date(Math.min(now.getTime() - marginMs, oldestWriter?.getTime() ?? Number.POSITIVE_INFINITY))
}

async function isFarBehind(tx: Transaction, from: Date, upTo: Date): Promise<boolean> {
  if (upTo.getTime() - from.getTime() < PERHAPS_FAR_BEHIND_MS) return false
  const { updatedAt } = executions
  const [far] = await tx
    .select({ one: sql`1` })
    .from(sql`executions_settled as executions`)
    .where(
      sql`${updatedAt} >= ${from.toISOString()}::timestamptz and ${updatedAt} < ${upTo.toISOString()}::timestamptz`,
    )
    .orderBy(updatedAt)
    .offset(FAR_BEHIND_ROWS)
    .limit(1)
  return far !== undefined
}
