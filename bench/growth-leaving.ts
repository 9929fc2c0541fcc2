/** A million executions that leave, and 100,000 that expire at once, while others are sent. */
import { startExpiry } from '../src/domain/expiry.ts'
import { dropExpired } from '../src/domain/retention.ts'
import type { Bench } from './growth-data.ts'
import { type Figure, figureOf, timed } from './growth-pages.ts'
import { sendBatch, startFlow } from './growth-writes.ts'

const EXPIRING = 100_000
/** Sends of other callers, while it lasts: what one of them waits for. */
const LIVE_BATCH = 10

/** Runs one batch of sends after the other until told to stop; each with its time. */
function sendMeanwhile(bench: Bench) {
  const times: number[] = []
  let stopped = false
  const running = (async () => {
    while (!stopped) times.push((await timed(() => sendBatch(bench, LIVE_BATCH)))[0])
  })()
  return {
    times,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

export interface Leaving {
  rows: number
  ms: number
  before: Figure
  during: Figure
}

/** Drops what is older than `days`, among the sends of others. */
export async function measureRetention(bench: Bench, days: number): Promise<Leaving> {
  const [count] = await bench.sql<{ rows: number }[]>`
    select count(*)::float8 as rows from executions where id < lowest_uuid_v7(now() - make_interval(days => ${days}))`
  const before = await sendFor(bench, 5_000)
  const sends = sendMeanwhile(bench)
  const [ms] = await timed(() => dropExpired(bench.ctx, days))
  // What the dropping leaves to do for others shows a little later.
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, 5_000 - ms)))
  await sends.stop()
  return { rows: count?.rows ?? 0, ms, before: figureOf(before), during: figureOf(sends.times) }
}

async function sendFor(bench: Bench, ms: number): Promise<number[]> {
  const sends = sendMeanwhile(bench)
  await new Promise((resolve) => setTimeout(resolve, ms))
  await sends.stop()
  return sends.times
}

export interface Expiry {
  rows: number
  settledWithinMs: number
  /** Batches of a flow of others in a second: alone, and meanwhile. */
  alone: number
  meanwhile: number
}

/** 100,000 executions whose TTL ends in the same second. */
export async function measureExpiry(bench: Bench): Promise<Expiry> {
  const { sql } = bench
  await sql`insert into executions_open (thing_id, action, params, ttl, expires_at)
    select 'thermostat-' || i % 10000, 'expiring', '{"value": 24}', 30, now() + make_interval(secs => 20 + i::float8 / ${EXPIRING})
    from generate_series(1, ${EXPIRING}) as i`
  await sql`vacuum analyze executions_open`
  const stopExpiry = startExpiry(bench.ctx)
  const alone = await flowFor(bench, async () => new Promise((resolve) => setTimeout(resolve, 4_000)))
  const [due] = await sql<
    { ms: number }[]
  >`select (extract(epoch from max(expires_at) - clock_timestamp()) * 1000)::float8 as ms
    from executions_open where action = 'expiring'`
  await new Promise((resolve) => setTimeout(resolve, (due?.ms ?? 0) - 1_000))
  let settledWithinMs = 0
  const meanwhile = await flowFor(bench, async () => {
    settledWithinMs = (await timed(() => untilNoneIsDue(sql)))[0]
  })
  await stopExpiry()
  return { rows: EXPIRING, settledWithinMs: settledWithinMs - 1_000, alone, meanwhile }
}

async function untilNoneIsDue(sql: Bench['sql']): Promise<void> {
  for (let last = false; ; ) {
    const [left] = await sql<{ due: boolean; coming: boolean }[]>`
      select exists (select from executions_open where expires_at <= now()) as due,
        exists (select from executions_open where expires_at < now() + interval '5 s' and expires_at > now()) as coming`
    if (!left?.due && !left?.coming && last) return
    last = !left?.due && !left?.coming
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Batches sent and settled in a second while something lasts. */
async function flowFor(bench: Bench, during: () => Promise<unknown>): Promise<number> {
  const step = startFlow(bench)
  let stopped = false
  let steps = 0
  const [ms] = await timed(async () => {
    const flow = (async () => {
      for (; !stopped; steps++) await step()
    })()
    await during()
    stopped = true
    await flow
  })
  return (steps * 1_000) / ms
}
