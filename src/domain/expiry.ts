import { pause } from '../base/pause.ts'
import type { Context } from './context.ts'
import { settleExpired } from './settle.ts'

/** Between two looks, so that an idle service asks twice a second. */
const LOOK_EVERY_MS = 500
/** Between two looks where something is always due: what falls due meanwhile shares one, and is hardly later for it. */
const LOOK_AT_MOST_EVERY_MS = 25
/** While the database is away: the pool, for which a query waits, tries to connect four times a second and no oftener. */
const RETRY_MS = 50
const BATCH = 1_000
/** Between two full batches: those who send and settle meanwhile need the database, too. */
const BREATH_MS = 5

/**
 * How long expiry holds back for responses that came in time: they wait in the broker while the service is down, and with
 * us while the database is away. At least, and until none has settled what is overdue for a while, but within the second
 * by which an execution must be terminal; `mostBusy`: while some are at hand that are not committed yet, as on a busy machine.
 */
const GRACE_MS = { least: 300, quiet: 150, most: 600, mostBusy: 850, step: 25 }

/**
 * Settles executions as TIMED_OUT when their TTL passes. One query looks half a second ahead; it is asked again at the
 * moment the first of these is due, so there is no timer for each execution and nothing to restore after a restart.
 * Several processes may do it at once, and each takes other executions. Returns the function that ends it.
 */
export function startExpiry(ctx: Context): () => Promise<void> {
  const stopping = new AbortController()
  const running = expireUntil(ctx, stopping.signal)
  return async () => {
    stopping.abort()
    await running
  }
}

async function expireUntil(ctx: Context, stopping: AbortSignal): Promise<void> {
  let failedAt: number | undefined
  await letResponsesGoFirst(ctx, performance.now(), stopping)
  while (!stopping.aborted) {
    let pauseMs = LOOK_EVERY_MS
    try {
      const [next] = await ctx.run<{ dueInMs: number }>(DUE_SOON, [LOOK_EVERY_MS / 1000])
      if (failedAt !== undefined) {
        ctx.log.info('expiry works again')
        await letResponsesGoFirst(ctx, failedAt, stopping)
        failedAt = undefined
        // Without another look, which costs a slow link a part of that second.
        await expireDue(ctx, 0, stopping)
        continue
      }
      pauseMs = await expireDue(ctx, Number(next?.dueInMs ?? LOOK_EVERY_MS), stopping)
    } catch (error) {
      // Said once, and not with each try for as long as the database is away.
      if (failedAt === undefined)
        ctx.log.error({ err: error }, 'expiry failed; it is tried again until the database is back')
      failedAt = performance.now()
      pauseMs = RETRY_MS
    }
    await pause(pauseMs, stopping)
  }
}

/** `since`: when the service may have begun to be of use again, from which that second counts: the start, or the last failure. */
async function letResponsesGoFirst({ live, gateway }: Context, since: number, stopping: AbortSignal): Promise<void> {
  const startedAt = performance.now()
  let answeredAt = startedAt
  const unlisten = live.listen(
    {},
    {
      onChange({ status, settledAt, expiresAt }) {
        const isAnswered = status !== 'SENT' && status !== 'TIMED_OUT'
        if (isAnswered && settledAt && settledAt > expiresAt) answeredAt = performance.now()
      },
      onGap: () => {},
    },
  )
  const isOver = (now: number) => {
    if (stopping.aborted) return true
    const isBusy = gateway.waitingResponses() > 0
    const hasWaited = now - startedAt >= GRACE_MS.quiet && now - since >= GRACE_MS.least
    const isQuiet = !isBusy && now - answeredAt >= GRACE_MS.quiet
    return hasWaited && (isQuiet || now - since >= (isBusy ? GRACE_MS.mostBusy : GRACE_MS.most))
  }
  while (!isOver(performance.now())) await pause(GRACE_MS.step, stopping)
  unlisten()
}

/**
 * When the next one is due, in milliseconds; nothing where that is more than $1 seconds away. It is bounded by now() and not by
 * clock_timestamp(): only what is stable within a statement can bound a scan of the index.
 */
export const DUE_SOON = `
select (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as "dueInMs" from executions_open
where status = 'SENT' and expires_at < now() + make_interval(secs => $1) order by expires_at limit 1`

/** Settles what is due, and returns the milliseconds until the next look. */
async function expireDue(ctx: Context, dueInMs: number, stopping: AbortSignal): Promise<number> {
  if (dueInMs > 0) return Math.max(LOOK_AT_MOST_EVERY_MS, Math.ceil(dueInMs))
  let count = 0
  for (let batch = BATCH; batch === BATCH && !stopping.aborted; count += batch) {
    batch = (await settleExpired(ctx, BATCH)).length
    if (batch === BATCH) await pause(BREATH_MS, stopping)
  }
  if (count > 0) ctx.log.info({ count }, 'executions timed out')
  return LOOK_AT_MOST_EVERY_MS
}
