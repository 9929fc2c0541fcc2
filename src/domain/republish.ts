import { and, eq, inArray } from 'drizzle-orm'
import { pause } from '../base/pause.ts'
import { executions } from '../db/schema.ts'
import { returning } from '../db/statement.ts'
import type { Context } from './context.ts'
import { BACKOFF_SECONDS, type Execution, LEAST_LEFT_SECONDS } from './execution.ts'
import type { PublishOutcome } from './ports.ts'
import { requestOf } from './request.ts'

/** Between two looks while some wait to be published again. */
const LOOK_EVERY_MS = 500
/** Where something is always due: what falls due meanwhile shares one. */
const LOOK_AT_MOST_EVERY_MS = 25
/** Between two looks while none does. What is sent here rings; this is for what a replica left behind that is gone. */
const LOOK_IDLE_MS = 5_000
/** Once the broker is there again: answers that waited in it settle first, and need no request any more. */
const GRACE_MS = 500
/** Params may have 240 KB each. */
const BATCH = 100
/** Between two full batches: those who send and settle meanwhile need the database, too. */
const BREATH_MS = 5

/**
 * Publishes the requests of AT_LEAST_ONCE executions again until they are settled or expire (CONTRACT promise 4). Several
 * processes may do it at once, and each takes other executions; after a crash any of them goes on. There is no timer for
 * each execution and nothing to restore: when one is due is in its row. Returns the function that ends it.
 */
export function startPublishingAgain(ctx: Context): () => Promise<void> {
  const stopping = new AbortController()
  const running = publishAgainUntil(ctx, stopping.signal)
  return async () => {
    stopping.abort()
    ctx.publishAgain.ring()
    await running
  }
}

async function publishAgainUntil(ctx: Context, stopping: AbortSignal): Promise<void> {
  let failing = false
  while (await hasBroker(ctx, stopping)) {
    try {
      const dueInMs = await readDue(ctx)
      if (failing) ctx.log.info('requests are published again as they should be')
      failing = false
      if (dueInMs === undefined) await ctx.publishAgain.wait(LOOK_IDLE_MS)
      else if (dueInMs > 0) await pause(Math.min(LOOK_EVERY_MS, Math.ceil(dueInMs)), stopping)
      else if ((await publishDue(ctx)) < BATCH) await pause(LOOK_AT_MOST_EVERY_MS, stopping)
      else await pause(BREATH_MS, stopping)
    } catch (error) {
      if (!failing) ctx.log.error({ err: error }, 'requests could not be published again; it is tried twice a second')
      failing = true
      await pause(LOOK_EVERY_MS, stopping)
    }
  }
}

/** Waits for a link to the broker: nothing is claimed, and so nothing counted, that could not be published. False once stopped. */
async function hasBroker({ gateway }: Context, stopping: AbortSignal): Promise<boolean> {
  if (!gateway.isAvailable()) {
    while (!gateway.isAvailable() && !stopping.aborted) await pause(LOOK_EVERY_MS, stopping)
    await pause(GRACE_MS, stopping)
  }
  return !stopping.aborted
}

/** In how many milliseconds the next one is due; undefined where none is to be published again. */
async function readDue({ run }: Context): Promise<number | undefined> {
  const [next] = await run<{ dueInMs: number }>(NEXT_DUE, [])
  return next && Number(next.dueInMs)
}

/** The one that is due first: its index holds nothing else. */
export const NEXT_DUE = `
select (extract(epoch from publish_again_at - clock_timestamp()) * 1000)::float8 as "dueInMs"
from executions_open where publish_again_at is not null order by publish_again_at limit 1`

type Claimed = Execution & { ttlLeftMs: number }

/**
 * Takes a batch of those that are due and publishes them: counted and committed first, so that no crash makes the count too
 * small, or lets another replica publish the same at once. The next batch waits for the broker to confirm this one.
 * Returns how many it took.
 */
async function publishDue(ctx: Context): Promise<number> {
  const startedAt = performance.now()
  const claimed = await ctx.run<Claimed>(CLAIM, [BATCH])
  const outcomes = await Promise.all(claimed.map((one) => publishOne(ctx, one, startedAt)))
  ctx.log.debug({ count: claimed.length }, 'requests published again')
  const [failure, ...others] = outcomes.flatMap((outcome) => (outcome?.kind === 'unconfirmed' ? outcome.why : []))
  // One line for all of them: a broker that is away fails each.
  if (failure)
    ctx.log.warn(
      { count: others.length + 1, why: failure },
      'the broker did not confirm requests that were published again',
    )
  const isHeard = (outcome: PublishOutcome | undefined) => outcome?.kind === 'confirmed' && outcome.hasSubscriber
  await noteHeard(
    ctx,
    claimed.filter(({ noSubscriber }, index) => noSubscriber && isHeard(outcomes[index])),
  )
  return claimed.length
}

/** Undefined where it came too late for that. */
async function publishOne(
  { gateway }: Context,
  execution: Claimed,
  startedAt: number,
): Promise<PublishOutcome | undefined> {
  // By the clock of the database when it was claimed; what has passed since, by our own. Too little rather than too much.
  const ttlLeftMs = Number(execution.ttlLeftMs) - (performance.now() - startedAt)
  if (ttlLeftMs < LEAST_LEFT_SECONDS * 1000) return undefined
  return gateway.publishRequest(requestOf(execution, ttlLeftMs))
}

/**
 * Of those that are due, the first ones. Whoever holds a row is about to publish or to settle it, and we do not wait for
 * that. The next time is counted from now, and not from when it was due: after an outage nothing is made up for. Where too
 * little of the TTL would be left, there is none; where too little is left now (there was an outage), it is not counted.
 */
const CLAIM = `
with due as materialized (
  select id, expires_at - now() >= interval '${LEAST_LEFT_SECONDS} s' as "inTime",
    now() + make_interval(secs => least(${BACKOFF_SECONDS.longest}, ${BACKOFF_SECONDS.first} * 2 ^ least(publish_count, 16))) as next
  from executions_open where publish_again_at <= now()
  order by publish_again_at limit $1 for update skip locked
)
update executions_open as open set
  publish_count = publish_count + "inTime"::integer,
  publish_again_at = case when expires_at - next >= interval '${LEAST_LEFT_SECONDS} s' then next end
from due where open.id = due.id
returning ${returning(executions, 'open')}, (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as "ttlLeftMs"`

/** Somebody is subscribed now: with a timeout they say NO_RESPONSE, and not NO_SUBSCRIBER any more. */
async function noteHeard({ db }: Context, heard: readonly Execution[]): Promise<void> {
  if (heard.length === 0) return
  const ids = heard.map(({ id }) => id)
  await db
    .update(executions)
    .set({ noSubscriber: false })
    .where(and(inArray(executions.id, ids), eq(executions.status, 'SENT')))
}
