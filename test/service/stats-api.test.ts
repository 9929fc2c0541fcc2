/** `executionStats` and `executionCounts` as clients ask for them, of a service that counts by itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '../../src/base/log.ts'
import { executionStatsProgress } from '../../src/db/schema.ts'
import { createApiKey } from '../../src/domain/api-keys.ts'
import { NOTHING_BELOW } from '../../src/domain/count-settled.ts'
import { rollUpHistory } from '../../src/domain/roll-up.ts'
import { type Backend, createBackend } from '../support/backend.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Service, startService } from '../support/service.ts'
import { seedForStats } from '../support/stats.ts'
import { withStore } from '../support/store.ts'

const NO_SCOPE = {
  name: 'test',
  role: 'viewer' as const,
  things: null,
  thingTypes: null,
  actions: null,
  expiresAt: null,
}
const HOUR_MS = 3_600_000
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString()

const STATS = `query ($filter: ExecutionFilter, $bucket: StatsBucket) {
  executionStats(filter: $filter, bucket: $bucket) {
    from to countedFrom successRate
    counts { total sent succeeded failed rejected timedOut canceled }
    roundTrip { answers p50 p95 p99 }
    buckets { from to successRate counts { total } roundTrip { p50 p95 } }
    worstActions(first: 2) { action total failed timedOut }
    worstThings(first: 2) { thingId thing { id } failed timedOut }
  }
}`

interface Stats {
  executionStats: {
    from: string
    to: string
    countedFrom: string
    successRate: number | null
    counts: Record<string, number>
    roundTrip: { answers: number; p50: number | null; p95: number | null; p99: number | null }
    buckets: { from: string; to: string; successRate: number | null; counts: { total: number } }[]
    worstActions: unknown[]
    worstThings: unknown[]
  }
}

const COUNTS = 'query ($filter: ExecutionFilter) { executionCounts(filter: $filter) { status count isMore } }'

describe('statistics, through the API', () => {
  let backend: Backend
  let service: Service

  beforeAll(async () => {
    backend = await createBackend()
    await withStore(backend, async (store) => {
      const one = { thingId: 'good', thingType: 'a', action: 'reboot', createdAt: new Date(Date.now() - 3 * HOUR_MS) }
      const bad = { ...one, thingId: 'bad', thingType: 'b', action: 'melt' }
      await seedForStats(store, [
        ...Array.from({ length: 6 }, (_, n) => ({ ...one, status: 'SUCCEEDED' as const, tookMs: 100 + n })),
        { ...one, status: 'CANCELED', tookMs: 5_000 },
        { ...bad, status: 'FAILED', tookMs: 1_000 },
        { ...bad, status: 'TIMED_OUT', tookMs: 30_000 },
        { ...bad, status: 'SENT', createdAt: new Date(Date.now() - 1_000), tookMs: 0 },
        { ...bad, status: 'REJECTED', createdAt: new Date(Date.now() - 40 * HOUR_MS), tookMs: 10 },
      ])
    })
    service = await startService({ backend })
    await service.registerThing('good')
  })

  afterAll(async () => {
    await service.stop()
    await backend.dispose()
  })

  it('say what became of the last 24 hours', async () => {
    const { executionStats: stats } = await service.query<Stats>(STATS)
    expect(stats.counts).toEqual({ total: 10, sent: 1, succeeded: 6, failed: 1, rejected: 0, timedOut: 1, canceled: 1 })
    expect(stats.successRate).toBe(6 / 8)
    expect(stats.roundTrip.answers).toBe(7)
    expect(stats.roundTrip.p50).toBeGreaterThan(97)
    expect(stats.roundTrip.p50).toBeLessThan(110)
    expect(stats.roundTrip.p99).toBeGreaterThan(950)
    expect(stats.roundTrip.p99).toBeLessThan(1_050)
    expect(stats.buckets).toHaveLength(25)
    expect(stats.buckets[0]?.from).toBe(stats.from)
    expect(stats.buckets.at(-1)?.to).toBe(stats.to)
    expect(stats.countedFrom).toBe(stats.from)
    expect(stats.buckets.filter(({ counts }) => counts.total > 0)).toHaveLength(2)
    expect(stats.buckets.filter(({ successRate }) => successRate !== null)).toHaveLength(1)
    expect(stats.worstActions).toEqual([{ action: 'melt', total: 3, failed: 1, timedOut: 1 }])
    expect(stats.worstThings).toEqual([{ thingId: 'bad', thing: null, failed: 1, timedOut: 1 }])
  })

  it('follow the filter', async () => {
    const filter = { thingId: 'good', createdAt: { from: ago(4 * HOUR_MS), to: ago(2 * HOUR_MS) } }
    const { executionStats: stats } = await service.query<Stats>(STATS, { filter, bucket: 'MINUTE' })
    expect(stats.counts).toMatchObject({ total: 7, succeeded: 6, canceled: 1 })
    expect(stats.worstThings).toEqual([])
    const none = await service.query<Stats>(STATS, { filter: { status: [] } })
    expect(none.executionStats.counts['total']).toBe(0)
    expect(none.executionStats.roundTrip).toEqual({ answers: 0, p50: null, p95: null, p99: null })
    expect(none.executionStats.successRate).toBe(null)
  })

  it('count by status', async () => {
    const counts = async (filter: unknown) =>
      (await service.query<{ executionCounts: unknown }>(COUNTS, { filter })).executionCounts
    expect(await counts({ status: ['FAILED', 'SENT'] })).toEqual([
      { status: 'SENT', count: 1, isMore: false },
      { status: 'FAILED', count: 1, isMore: false },
    ])
    const sent = { status: 'SENT', count: 0, isMore: false }
    expect(await counts({ thingId: ['good'], action: 'reboot', createdAt: { to: ago(HOUR_MS) } })).toEqual([
      sent,
      { ...sent, status: 'SUCCEEDED', count: 6 },
      { ...sent, status: 'FAILED' },
      { ...sent, status: 'REJECTED' },
      { ...sent, status: 'TIMED_OUT' },
      { ...sent, status: 'CANCELED', count: 1 },
    ])
    expect(await counts({ status: [] })).toEqual([])
  })

  it('say what is wrong with a question', async () => {
    const bad: [object, string][] = [
      [{ bucket: 'MINUTE' }, 'bucket: 1,441 buckets of one MINUTE are in this range, expected at most 500'],
      [
        { filter: { createdAt: { from: ago(0), to: ago(HOUR_MS) } } },
        'filter.createdAt: expected a from that is before to',
      ],
      [{ filter: { createdAt: { from: '2000-01-01T00:00:00Z' } }, bucket: 'DAY' }, 'expected at most 500'],
      [
        { filter: { createdAt: { from: '0000-01-01T00:00:00Z' } }, bucket: 'DAY' },
        'expected a range from 1970 to 9998',
      ],
    ]
    for (const [variables, message] of bad) {
      const { errors } = await service.request(STATS, variables)
      expect(errors?.[0]?.message).toContain(message)
      expect(errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT')
    }
    const { errors } = await service.request('{ executionStats { worstThings(first: 0) { thingId } } }')
    expect(errors?.[0]?.message).toBe('first: got 0, expected a whole number from 1 to 100')
  })

  it('are the same after a restart, when all is counted', async () => {
    const before = await service.query<Stats>(STATS)
    await service.stop()
    await withStore(backend, async ({ db }) => {
      while (await rollUpHistory({ db, log: createLogger('silent') }));
      const [progress] = await db.select().from(executionStatsProgress)
      expect(progress?.downToId).toBe(NOTHING_BELOW)
    })
    service = await startService({ backend })
    expect((await service.query<Stats>(STATS)).executionStats.counts).toEqual(before.executionStats.counts)
  })

  it('show a caller what it may see, and no more', async () => {
    await service.stop()
    const keys = await withStore(backend, async ({ db }) => {
      const scopes = [{ things: ['go*'] }, { thingTypes: ['b'] }, { actions: ['m*'] }, { things: ['none'] }, {}]
      const made = await Promise.all(scopes.map((scope) => createApiKey({ db }, ANYBODY, { ...NO_SCOPE, ...scope })))
      return made.map((one) => (one.ok ? `${one.value.apiKey.id}:${one.value.secret}` : ''))
    })
    service = await startService({ backend })
    const seen = await Promise.all(keys.map(askAs))
    expect(seen).toEqual([
      { total: 7, buckets: 7, worstActions: 0, worstThings: 0, counts: 7 },
      { total: 3, buckets: 3, worstActions: 1, worstThings: 1, counts: 4 },
      { total: 3, buckets: 3, worstActions: 1, worstThings: 1, counts: 4 },
      { total: 0, buckets: 0, worstActions: 0, worstThings: 0, counts: 0 },
      { total: 10, buckets: 10, worstActions: 1, worstThings: 1, counts: 11 },
    ])
  })

  async function askAs(key: string) {
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${Buffer.from(key).toString('base64')}` },
      body: JSON.stringify({ query: `${STATS.slice(0, -1)} executionCounts { count } }` }),
    })
    const { data } = (await response.json()) as { data: Stats & { executionCounts: { count: number }[] } }
    const { counts, buckets, worstActions, worstThings } = data.executionStats
    const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
    return {
      total: counts['total'],
      buckets: sum(buckets.map((bucket) => bucket.counts.total)),
      worstActions: worstActions.length,
      worstThings: worstThings.length,
      counts: sum(data.executionCounts.map(({ count }) => count)),
    }
  }
})
