import { and, asc, eq, lt, sql } from 'drizzle-orm'
import { executions } from '../db/schema.ts'
import type { Context } from './context.ts'
import { settleExecutions } from './settle.ts'

/** Between two looks, so that an idle service asks twice a second. */
const LOOK_EVERY_MS = 500
/** At the start, for the responses that waited in the broker while the service was down: they came in time. */
const GRACE_AT_START_MS = 400
const BATCH = 1_000

/**
 * Settles executions as TIMED_OUT when their TTL passes. One query looks half a second ahead; it is asked again at the
 * moment the first of these is due, so there is no timer for each execution and nothing to restore after a restart.
 * Several processes may do it at once: the guarded UPDATE lets one win. Returns the function that ends it.
 */
export function startExpiry(ctx: Context): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let failing = false

  const schedule = (delayMs: number) => {
    if (!stopped) timer = setTimeout(() => (running = sweep()), delayMs)
  }

  async function sweep(): Promise<void> {
    let nextDueMs = LOOK_EVERY_MS
    try {
      nextDueMs = await expireDue(ctx)
      if (failing) ctx.log.info('expiry works again')
      failing = false
    } catch (error) {
      // Said once, not twice a second for as long as the database is away.
      if (!failing) ctx.log.error({ err: error }, 'expiry failed; it is tried again twice a second')
      failing = true
    }
    schedule(nextDueMs)
  }

  schedule(GRACE_AT_START_MS)
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}

/** Settles what is due, and returns the milliseconds until it should be called again. */
async function expireDue(ctx: Context): Promise<number> {
  const dueInMs = sql<number>`(extract(epoch from ${executions.expiresAt} - clock_timestamp()) * 1000)::float8`
  const soon = await ctx.db
    .select({ id: executions.id, dueInMs })
    .from(executions)
    .where(
      and(
        eq(executions.status, 'SENT'),
        lt(executions.expiresAt, sql`clock_timestamp() + make_interval(secs => ${LOOK_EVERY_MS / 1000})`),
      ),
    )
    .orderBy(asc(executions.expiresAt))
    .limit(BATCH)
  const due = soon.filter((execution) => Number(execution.dueInMs) <= 0)
  const settled = await settleExecutions(
    ctx,
    due.map(({ id }) => ({ executionId: id, status: 'TIMED_OUT', reason: { code: 'NO_RESPONSE', message: null } })),
  )
  if (settled.length > 0) ctx.log.info({ count: settled.length }, 'executions timed out')
  if (due.length === BATCH) return 0
  const next = soon[due.length]
  return next ? Math.max(1, Math.ceil(Number(next.dueInMs))) : LOOK_EVERY_MS
}
