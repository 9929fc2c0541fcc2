/** What can be known of the database without waiting for it: whether it answers, and how many executions are open. */
import { sql } from 'drizzle-orm'
import type { Context } from './context.ts'

export interface DatabaseState {
  /** Whether it answers in time. */
  isUp(): Promise<boolean>
  /** How many executions are open, a few seconds old at most, counted up to `MAX_OPEN_COUNTED`; undefined where it does not answer in time. */
  openExecutions(): Promise<number | undefined>
}

/** Whoever asks /readyz gives up soon, too. */
const DEADLINE_MS = 1_500
const COUNT_KEPT_MS = 10_000
/** To count more would take the database longer than the number is worth. */
export const MAX_OPEN_COUNTED = 100_000

export function createDatabaseState({ db, log }: Pick<Context, 'db' | 'log'>): DatabaseState {
  const ask = shareUnderWay(async () => {
    await db.execute(sql`select 1`)
    return true
  })
  const count = shareUnderWay(async () => {
    const rows = sql`(select from executions_open limit ${MAX_OPEN_COUNTED}) as open`
    const [counted] = await db.select({ open: sql<number>`count(*)::integer` }).from(rows)
    return counted?.open
  })
  let kept: { open: number | undefined; until: number } | undefined
  return {
    isUp: async () => (await inTime(ask)) ?? false,
    async openExecutions() {
      if (kept && performance.now() < kept.until) return kept.open
      const open = await inTime(count)
      kept = { open, until: performance.now() + COUNT_KEPT_MS }
      return open
    },
  }

  /** Undefined where it fails, or is not there in time: then it goes on behind us, to its own deadline. */
  async function inTime<T>(query: () => Promise<T>): Promise<T | undefined> {
    let deadline: NodeJS.Timeout | undefined
    const silence = new Promise<undefined>((resolve) => {
      deadline = setTimeout(() => resolve(undefined), DEADLINE_MS)
    })
    try {
      return await Promise.race([query(), silence])
    } catch (error) {
      log.debug({ err: error }, 'the database does not answer')
      return undefined
    } finally {
      clearTimeout(deadline)
    }
  }
}

/** Those who ask while a query is under way share it: however often one asks, a silent database has one of each to answer. */
function shareUnderWay<T>(run: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined
  return () => {
    underWay ??= run().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}
