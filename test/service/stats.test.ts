/** Statistics against a count of all executions: whatever is counted already, and whatever happens meanwhile. */
import { eq, sql } from 'drizzle-orm'
import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPartitionsAhead } from '../../src/db/partitions.ts'
import { executionStats, executionStatsProgress, executionStatus, executions } from '../../src/db/schema.ts'
import { countByStatus } from '../../src/domain/count-by-status.ts'
import { NOTHING_BELOW } from '../../src/domain/count-settled.ts'
import type { TerminalStatus } from '../../src/domain/execution.ts'
import { type ExecutionFilter, matchesFilter } from '../../src/domain/filter.ts'
import { dropExpired } from '../../src/domain/retention.ts'
import { rollUp, rollUpHistory } from '../../src/domain/roll-up.ts'
import { settleExecutions } from '../../src/domain/settle.ts'
import { readExecutionStats, totalOf } from '../../src/domain/stats.ts'
import type { StatsBucket } from '../../src/domain/stats-range.ts'
import { onServices } from '../support/backend.ts'
import { type Domain, openDomain } from '../support/domain.ts'
import { repartition } from '../support/partitions.ts'
import { checkStats, countsOf, type StatsSeed, seedForStats } from '../support/stats.ts'

const THINGS = ['t-1', 't-2', 'u-1']
const TYPES = [null, 'com.example.a', 'com.example.b']
const ACTIONS = ['reboot', 'set °C', '%']
const HOUR_MS = 3_600_000
const ANSWERS: TerminalStatus[] = ['SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED']

const listOf = <T>(...members: T[]) =>
  fc.option(fc.array(fc.constantFrom(...members), { maxLength: 3 }), { nil: undefined, freq: 2 })
const patterns = (...members: string[]) =>
  fc.option(fc.array(fc.constantFrom(...members), { minLength: 1, maxLength: 2 }), { freq: 2 })
const anyScope = fc.record({
  things: patterns('t-*', 'u-1', '*'),
  thingTypes: patterns('*', '*.a', 'com.example.b'),
  actions: patterns('re*', '*°*', '%', '_'),
})
const anyFilter: fc.Arbitrary<ExecutionFilter> = fc.record(
  {
    thingId: listOf(...THINGS, 'none'),
    action: listOf(...ACTIONS, ''),
    status: listOf(...executionStatus.enumValues),
    scope: fc.option(anyScope, { nil: undefined }),
  },
  { requiredKeys: [] },
)
const anySeed: fc.Arbitrary<Omit<StatsSeed, 'createdAt'> & { agoMs: number }> = fc.record({
  thingId: fc.constantFrom(...THINGS),
  thingType: fc.constantFrom(...TYPES),
  action: fc.constantFrom(...ACTIONS),
  status: fc.constantFrom(...executionStatus.enumValues),
  agoMs: fc.oneof(fc.integer({ min: 0, max: 100 * HOUR_MS }), fc.integer({ min: 0, max: HOUR_MS })),
  tookMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: HOUR_MS })),
})
/** What happens to the executions, and to what is counted of them. */
const anyStep = fc.oneof(
  fc.record({ send: fc.array(anySeed, { minLength: 1, maxLength: 8 }) }),
  fc.record({ settle: fc.integer({ min: 1, max: 6 }), as: fc.constantFrom(...ANSWERS) }),
  fc.constant({ rollUp: true }),
  fc.constant({ note: true }),
)
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never

const reachingBack = (hours: number): ExecutionFilter['createdAt'] => ({
  from: new Date(Date.now() - hours * HOUR_MS),
  to: new Date(Date.now() + HOUR_MS),
})

async function empty({ db }: Domain['ctx']): Promise<void> {
  await db.delete(executions)
  await db.delete(executionStatsProgress)
}

async function rollUpAll(ctx: Domain['ctx']): Promise<void> {
  await rollUp(ctx, 0)
  while (await rollUpHistory(ctx));
}

async function take(ctx: Domain['ctx'], step: Step): Promise<void> {
  const { db } = ctx
  if ('send' in step)
    await seedForStats(
      ctx,
      // What is settled already when it comes would be settled in a time that is counted: only history is.
      step.send.map(({ agoMs, ...row }) => ({ ...row, status: 'SENT', createdAt: new Date(Date.now() - agoMs) })),
    )
  if ('settle' in step) {
    const open = await db.select().from(executions).where(eq(executions.status, 'SENT')).limit(step.settle)
    await settleExecutions(
      ctx,
      open.map(({ id }) => ({ executionId: id, status: step.as })),
    )
  }
  if ('rollUp' in step) await rollUp(ctx, 0)
  // As late answers do: they are counted by the time of settling, whatever changes later.
  if ('note' in step)
    await db.execute(sql`update executions set updated_at = now(), ignored_count = 1 where ignored_count = 0`)
}

describe('statistics', () => {
  let domain: Domain

  beforeAll(async () => {
    domain = await openDomain()
    const days = [5, 3, 1].map((ago) => new Date(Date.now() - ago * 24 * HOUR_MS).toISOString().slice(0, 10))
    await repartition(domain.ctx, days)
    await createPartitionsAhead(domain.ctx.db, 'week')
  })

  afterAll(() => domain.stop())

  it('are what a count of all executions says, whatever of them is counted already', async () => {
    const { ctx } = domain
    const history = fc.array(anySeed, { maxLength: 30 })
    const isRight = fc.asyncProperty(
      history,
      fc.array(anyStep, { maxLength: 8 }),
      anyFilter,
      async (seeds, steps, filter) => {
        await empty(ctx)
        await seedForStats(
          ctx,
          seeds.map(({ agoMs, ...row }) => ({ ...row, createdAt: new Date(Date.now() - HOUR_MS - agoMs) })),
        )
        if (steps.length % 2 === 0) await rollUpAll(ctx)
        for (const step of steps) await take(ctx, step)
        await checkStats(ctx, { ...filter, createdAt: reachingBack(102) }, 'HOUR')
        await checkStats(ctx, { ...filter, createdAt: reachingBack(102) }, 'DAY')
        await checkStats(ctx, { ...filter, createdAt: reachingBack(6) }, 'MINUTE')
        await checkStats(ctx, filter, 'HOUR')
        const rows = await ctx.db.select().from(executions)
        const counts = await countByStatus(ctx, filter)
        const expected = countsOf(rows.filter((row) => matchesFilter(row, filter)))
        const statuses = executionStatus.enumValues.filter((status) => filter.status?.includes(status) ?? true)
        expect(counts).toEqual(statuses.map((status) => ({ status, count: expected[status], isMore: false })))
      },
    )
    await fc.assert(isRight, { numRuns: 30 })
  }, 240_000)

  it('come from what is counted, where that knows', async () => {
    const { ctx } = domain
    await empty(ctx)
    const createdAt = new Date(Date.now() - 2 * HOUR_MS)
    const seed = { thingId: 't-1', thingType: 'a', action: 'reboot', status: 'FAILED', createdAt, tookMs: 20 } as const
    await seedForStats(ctx, [seed, seed])
    await rollUpAll(ctx)
    const [progress] = await ctx.db.select().from(executionStatsProgress)
    expect(progress?.downToId).toBe(NOTHING_BELOW)
    await ctx.db.delete(executions)
    for (const bucket of ['MINUTE', 'HOUR', 'DAY'] satisfies StatsBucket[]) {
      const stats = await readExecutionStats(ctx, { createdAt: reachingBack(3) }, bucket)
      expect(stats.counts.FAILED).toBe(2)
      expect(stats.roundTrip.p50).toBeCloseTo(20, -1)
    }
    expect((await readExecutionStats(ctx, { thingId: ['t-1'] }, 'HOUR')).counts.FAILED).toBe(0)
    await empty(ctx)
  })

  it('lose nothing and count nothing twice while executions are settled and counted', async () => {
    const { ctx } = domain
    await empty(ctx)
    const other = onServices ? await openDomain({ backend: domain.backend, replica: 'other' }) : domain
    const count = 600
    const seed = { thingId: 't-1', thingType: null, action: 'reboot', status: 'SENT', tookMs: 0 } as const
    const ids = await seedForStats(
      ctx,
      Array.from({ length: count }, (_, n) => ({ ...seed, createdAt: new Date(Date.now() - n * 10_000) })),
    )
    await rollUp(ctx, 0)
    let settling = true
    const settled = settleAll([domain, other], ids).finally(() => {
      settling = false
    })
    const rolling = [ctx, other.ctx].map(async (one) => {
      while (settling) await rollUp(one, 0)
    })
    while (settling) {
      for (const bucket of ['MINUTE', 'HOUR'] satisfies StatsBucket[])
        expect(totalOf((await readExecutionStats(ctx, { createdAt: reachingBack(3) }, bucket)).counts)).toBe(count)
    }
    await Promise.all([settled, ...rolling])
    await rollUp(ctx, 0)
    const [sum] = await ctx.db
      .select({ n: sql<number>`sum(executions)::float8` })
      .from(executionStats)
      .where(sql`bucket = 'HOUR' and action = ''`)
    // But for what was settled in the very millisecond in which it was counted last.
    expect(Number(sum?.n)).toBeGreaterThan(count / 2)
    await checkStats(ctx, { createdAt: reachingBack(3) }, 'MINUTE')
    if (other !== domain) await other.stop()
  }, 60_000)

  it.skipIf(!onServices)('wait for what is settled and not committed', async () => {
    const { ctx } = domain
    await empty(ctx)
    const seed = { thingId: 't-1', thingType: null, action: 'reboot', status: 'SENT', tookMs: 0 } as const
    const createdAt = new Date(Date.now() - 1_000)
    const [slow, quick] = await seedForStats(ctx, [
      { ...seed, createdAt },
      { ...seed, createdAt },
    ])
    await rollUp(ctx, 0)
    const other = postgres(domain.backend.settings.databaseUrl ?? '', { max: 1, onnotice: () => {} })
    await other.begin(async (tx) => {
      await tx`with taken as (delete from executions_open where id = ${slow ?? ''} returning id, created_at, expires_at, ttl, thing_id, action, params)
        insert into executions (id, created_at, expires_at, ttl, thing_id, action, params, status, settled_at, updated_at)
        select *, 'FAILED', clock_timestamp(), clock_timestamp() from taken`
      await settleExecutions(ctx, [{ executionId: quick ?? '', status: 'SUCCEEDED' }])
      await rollUp(ctx, 0)
      await checkStats(ctx, { createdAt: reachingBack(1) }, 'MINUTE')
    })
    await checkStats(ctx, { createdAt: reachingBack(1) }, 'MINUTE')
    await rollUp(ctx, 0)
    const stats = await checkStats(ctx, { createdAt: reachingBack(1) }, 'MINUTE')
    expect(stats.counts).toMatchObject({ SUCCEEDED: 1, FAILED: 1, SENT: 0 })
    await other.end()
  })

  it('go on after a restart', async () => {
    const { ctx } = domain
    const again = onServices ? await openDomain({ backend: domain.backend, replica: 'again' }) : domain
    const before = await ctx.db.select().from(executionStatsProgress)
    expect(before).toHaveLength(1)
    const createdAt = new Date(Date.now() - 1_000)
    const [id] = await seedForStats(ctx, [
      { thingId: 't-1', thingType: null, action: 'reboot', status: 'SENT', createdAt, tookMs: 0 },
    ])
    await settleExecutions(ctx, [{ executionId: id ?? '', status: 'SUCCEEDED' }])
    await rollUp(again.ctx, 0)
    await checkStats(again.ctx, { createdAt: reachingBack(3) }, 'MINUTE')
    if (again !== domain) await again.stop()
  })

  it('forget what retention drops', async () => {
    const { ctx } = domain
    await empty(ctx)
    const seed = { thingId: 't-1', thingType: null, action: 'reboot', status: 'TIMED_OUT', tookMs: 30_000 } as const
    await seedForStats(
      ctx,
      [2, 30, 50, 80, 98, 130].map((hours) => ({ ...seed, createdAt: new Date(Date.now() - hours * HOUR_MS) })),
    )
    await rollUpAll(ctx)
    const filter = { createdAt: reachingBack(200) }
    expect(totalOf((await checkStats(ctx, filter, 'DAY')).counts)).toBe(6)
    expect(await dropExpired(ctx, 3)).toBeDefined()
    expect(totalOf((await checkStats(ctx, filter, 'DAY')).counts)).toBeLessThan(6)
    await checkStats(ctx, filter, 'HOUR')
    const left = countsOf(await ctx.db.select().from(executions))
    expect((await countByStatus(ctx, {})).map(({ count }) => count)).toEqual(Object.values(left))
  })
})

async function settleAll(domains: readonly Domain[], ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 20) {
    const some = ids.slice(at, at + 20)
    // Both try: whoever comes first.
    await Promise.all(
      domains.map(({ ctx }, n) =>
        settleExecutions(
          ctx,
          some.map((executionId) => ({ executionId, status: ANSWERS[(at / 20 + n) % 5] ?? 'FAILED' })),
        ),
      ),
    )
  }
}
