import { pause } from '../base/pause.ts'
import type { Context } from './context.ts'
import { type ChangeCursor, findExecutions, listVersions, type VersionRow } from './executions.ts'
import { readHorizon, visibleUpTo } from './horizon.ts'

/** Of an instant of the database, in milliseconds since 1970: the one of performance.now(). */
type ToClock = (at: number) => number

export interface Reconciler {
  /** Looks at once, and not only at the next turn. */
  soon(): void
  stop(): Promise<void>
}

/** How late a subscriber hears of what no announcement told: one was lost, or there is no link to the broker. */
const EVERY_MS = 2_000
/** Between two looks, however often one is asked for. */
const AT_MOST_EVERY_MS = 50
const PAGE_SIZE = 2_000
const READ_AT_ONCE = 500
/** More changes than this in one turn are not compared one by one: subscribers read on from the database instead. */
const MAX_ROWS = 30_000
/** Up to so many names the database is asked for these only. */
const MAX_NAMES = 1_000

/**
 * What other replicas commit is announced through the broker, where an announcement can be lost: with the replica that
 * was killed before it, in a full queue, on a broken link. So as long as somebody listens here, the versions of what
 * changed lately are compared with those told of, and what is missing is told.
 */
export function startReconciling(ctx: Context): Reconciler {
  const stopping = new AbortController()
  let wake = new AbortController()
  const running = run()
  return {
    soon: () => wake.abort(),
    async stop() {
      stopping.abort()
      wake.abort()
      await running
    },
  }

  async function run(): Promise<void> {
    /** What changed before it has been compared, or could be seen before anybody listened. */
    let upTo: Date | undefined
    /** On the clock of performance.now(). */
    let lookedAt = 0
    let failing = false
    while (!stopping.signal.aborted) {
      await pause(EVERY_MS, wake.signal)
      wake = new AbortController()
      if (stopping.signal.aborted) return
      const since = ctx.live.listeningSince()
      if (isIdle(ctx, since, lookedAt)) continue
      lookedAt = performance.now()
      try {
        upTo = await reconcile(ctx, upTo, since)
        failing = false
      } catch (error) {
        if (!failing) ctx.log.warn({ err: error }, 'changes cannot be read from the database; trying again')
        failing = true
      }
      await pause(AT_MOST_EVERY_MS, stopping.signal)
    }
  }
}

/** Whether nobody listens, and nothing was told since the last look: such a service asks the database nothing. */
const isIdle = ({ live }: Context, since: number | undefined, lookedAt: number): boolean =>
  since === undefined && live.publishedAt() <= lookedAt

/**
 * Compares once, and returns up to which instant it is done. `since`: when the first of today's listeners began. While nobody
 * listens it only looks how far the database is: on a busy service the first one would else begin with ten seconds of history.
 */
async function reconcile(ctx: Context, upTo: Date | undefined, since: number | undefined): Promise<Date | undefined> {
  const horizon = await readHorizon(ctx.db)
  const { now } = horizon
  const readAt = performance.now()
  // The database read its clock before we had the answer, so this is at the change or after it.
  const toClock = (changedAt: number) => readAt - (now.getTime() - changedAt)
  const seen = visibleUpTo(horizon, ctx.commitLagMs)
  // Whoever began while this was looked up may have read the database before it.
  if (since === undefined) return ctx.live.listeningSince() === undefined ? seen : upTo
  const earliest = new Date(now.getTime() - (readAt - since) - ctx.commitLagMs)
  await tellMissed(ctx, upTo && upTo > earliest ? upTo : earliest, toClock)
  return seen
}

async function tellMissed(ctx: Context, from: Date, toClock: ToClock): Promise<void> {
  const interest = ctx.live.interest(MAX_NAMES)
  let cursor: ChangeCursor = { at: from }
  for (let rows = 0; rows < MAX_ROWS; rows += PAGE_SIZE) {
    const page = await listVersions(ctx, interest, cursor, PAGE_SIZE)
    const missed = page.filter((row) => ctx.live.isAwaited(row, toClock(row.changedAt)))
    await tell(ctx, missed, toClock)
    const last = page.at(-1)
    if (!last || page.length < PAGE_SIZE) return
    cursor = { at: new Date(last.changedAt), afterId: last.id }
  }
  ctx.live.announceGap(cursor.at)
}

async function tell(ctx: Context, missed: readonly VersionRow[], toClock: ToClock): Promise<void> {
  if (missed.length > 0) ctx.log.debug({ count: missed.length }, 'changes of which no announcement told')
  for (let at = 0; at < missed.length; at += READ_AT_ONCE) {
    const ids = missed.slice(at, at + READ_AT_ONCE).map(({ id }) => id)
    ctx.live.relayFound(await findExecutions(ctx, ids), ({ updatedAt }) => toClock(updatedAt.getTime()))
  }
}
