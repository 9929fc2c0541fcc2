/** Executions that are older than RETENTION_DAYS leave with all that belongs to them, and nothing else does. */
import { asc, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPartitionsAhead, listPartitions } from '../../src/db/partitions.ts'
import { executions, idempotencyKeys, ignoredResponses } from '../../src/db/schema.ts'
import type { Execution } from '../../src/domain/execution.ts'
import { dropExpired } from '../../src/domain/retention.ts'
import { settleExecutions } from '../../src/domain/settle.ts'
import { cleanOpenExecutions } from '../../src/domain/upkeep.ts'
import { type Backend, createBackend } from '../support/backend.ts'
import { type Domain, insertOpen, openDomain, readExecutions } from '../support/domain.ts'
import { seedExecutions } from '../support/executions.ts'
import { uniqueName } from '../support/names.ts'
import { repartition } from '../support/partitions.ts'
import { type Service, startService } from '../support/service.ts'
import { withStore } from '../support/store.ts'

const RETENTION_DAYS = 30
const DAY_MS = 86_400_000
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString()
const dayAgo = (days: number): string => daysAgo(days).slice(0, 10)
/** The ends of the partitions: of the third, the newest possible execution is younger than 30 days. */
const ENDS = [dayAgo(60), dayAgo(40), dayAgo(25), dayAgo(1)]
const nameOf = (day: string): string => day.replaceAll('-', '')

describe('retention, by the minute', () => {
  let domain: Domain
  const thingId = uniqueName('kept')

  beforeAll(async () => {
    domain = await openDomain()
    await repartition(domain.ctx, ENDS)
    await createPartitionsAhead(domain.ctx.db, 'week')
  })

  afterAll(() => domain.stop())

  const seed = (days: number, status: Execution['status'] = 'SUCCEEDED') =>
    seedExecutions(domain.ctx, [{ thingId, status, createdAt: daysAgo(days) }])
  const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id).sort()

  it('drops whole partitions that are older, with their keys and ignored responses, and touches nothing newer', async () => {
    const { db } = domain.ctx
    const old = [...(await seed(70)), ...(await seed(61)), ...(await seed(50))]
    // Older than the retention, but in a partition whose newest possible execution is not.
    const kept = [...(await seed(35)), ...(await seed(26)), ...(await seed(3)), ...(await seed(0))]
    const open = await insertOpen(domain.ctx, thingId, [60_000])
    for (const { id } of [...old, ...kept]) {
      await db.insert(idempotencyKeys).values({ key: id, fingerprint: 'f', executionId: id })
      await db.insert(ignoredResponses).values({ executionId: id, cause: 'REPEATED', seenBy: ['test'] })
    }
    expect(await dropExpired(domain.ctx, RETENTION_DAYS)).toBe(nameOf(ENDS[1] ?? ''))
    expect(idsOf(await db.select().from(executions))).toEqual([...idsOf(kept), ...open].sort())
    for (const table of [idempotencyKeys, ignoredResponses]) {
      const left = await db.select({ id: table.executionId }).from(table).orderBy(asc(table.executionId))
      expect(idsOf(left)).toEqual(idsOf(kept))
    }
    expect(await dropExpired(domain.ctx, RETENTION_DAYS)).toBe(undefined)
  })

  it('waits for what is still open', async () => {
    await repartition(domain.ctx, ENDS)
    await createPartitionsAhead(domain.ctx.db, 'week')
    const [settled] = await seed(70)
    const [open] = await seed(50, 'SENT')
    const ids = [settled?.id ?? '', open?.id ?? '']
    // The first partition has no open execution in it, nor is there an older one.
    expect(await dropExpired(domain.ctx, RETENTION_DAYS)).toBe(nameOf(ENDS[0] ?? ''))
    expect(await dropExpired(domain.ctx, RETENTION_DAYS)).toBe(undefined)
    expect(await readExecutions(domain.ctx, ids)).toHaveLength(1)
    // As expiry does after a service was down for that long.
    expect(await settleExecutions(domain.ctx, [{ executionId: ids[1] ?? '', status: 'TIMED_OUT' }])).toHaveLength(1)
    expect(await dropExpired(domain.ctx, RETENTION_DAYS)).toBe(nameOf(ENDS[1] ?? ''))
    expect(await readExecutions(domain.ctx, ids)).toEqual([])
  })

  it('forgets keys by the thousand', async () => {
    await repartition(domain.ctx, ENDS)
    await createPartitionsAhead(domain.ctx.db, 'week')
    const [old] = await seed(70)
    for (let batch = 0; batch < 5; batch++) {
      const keys = Array.from({ length: 1_000 }, (_, n) => ({
        key: `old-${batch}-${n}`,
        fingerprint: 'f',
        executionId: old?.id ?? '',
      }))
      await domain.ctx.db.insert(idempotencyKeys).values(keys)
    }
    await domain.ctx.db.delete(executions)
    await dropExpired(domain.ctx, RETENTION_DAYS)
    expect((await domain.ctx.db.select().from(idempotencyKeys)).filter(({ key }) => key.startsWith('old'))).toEqual([])
  })

  it('cleans the table of open executions where nobody else does', async () => {
    await domain.ctx.db.execute(sql`
      insert into executions (thing_id, action, params, ttl, expires_at)
      select 'left', 'reboot', '{}', 60, now() + interval '1 minute' from generate_series(1, 20500)`)
    await domain.ctx.db.execute(sql`delete from executions_open where thing_id = 'left'`)
    // Postgres counts the dead a moment after they died, or has cleaned them up itself.
    await expect.poll(() => cleanOpenExecutions(domain.ctx), { timeout: 15_000, interval: 500 }).toBe(true)
    await expect.poll(() => cleanOpenExecutions(domain.ctx), { timeout: 15_000, interval: 500 }).toBe(false)
  })
})

describe('retention, through the service', () => {
  let backend: Backend
  let service: Service
  let rows: Execution[]
  const thingId = uniqueName('paged')

  beforeAll(async () => {
    backend = await createBackend()
    await withStore(backend, async (store) => {
      await repartition(store, ENDS)
      await createPartitionsAhead(store.db, 'week')
      const days = [90, 70, 61, 50, 45, 35, 20, 10, 2, 1, 0]
      rows = await seedExecutions(
        store,
        days.map((ago) => ({ thingId, status: 'SUCCEEDED', createdAt: daysAgo(ago) })),
      )
      const [oldest] = rows.slice(-1)
      await store.db.insert(idempotencyKeys).values({ key: 'spent', fingerprint: 'f', executionId: oldest?.id ?? '' })
    })
  })

  afterAll(async () => {
    await service?.stop()
    await backend.dispose()
  })

  it('drops what is older at its start; pages, cursors and keys go on without it', async () => {
    service = await startService({ backend, retentionDays: RETENTION_DAYS })
    await service.registerThing(thingId)
    const [kept, gone] = [rows.slice(0, 6), rows.slice(6)]
    await expect.poll(() => find(gone[0]?.id), { timeout: 10_000 }).toBe(null)
    for (const { id } of gone) expect(await find(id)).toBe(null)
    for (const { id } of kept) expect(await find(id)).toEqual({ id })
    expect(await walk({ first: 4 })).toEqual(kept.map(({ id }) => id))
    const cursor = (id: string | undefined) => Buffer.from(`execution:${id}`).toString('base64url')
    expect(await walk({ first: 4, after: cursor(gone[1]?.id) })).toEqual([])
    expect(await walk({ last: 100, before: cursor(gone[1]?.id) })).toEqual(kept.map(({ id }) => id))
    const { execution, errors } = await service.send({ thingId, idempotencyKey: 'spent', ttl: 600 })
    expect(errors).toEqual([])
    expect(execution).toMatchObject({ status: 'SENT', thingId })
  })

  const find = async (id: string | undefined) =>
    (await service.query<{ execution: unknown }>('query ($id: ID!) { execution(id: $id) { id } }', { id })).execution

  async function walk(page: {
    first?: number
    after?: string | null
    last?: number
    before?: string
  }): Promise<string[]> {
    const { executions } = await service.query<{
      executions: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }
    }>(
      `query ($thingId: [ID!], $first: Int, $after: String, $last: Int, $before: String) {
        executions(filter: { thingId: $thingId }, first: $first, after: $after, last: $last, before: $before) {
          nodes { id } pageInfo { hasNextPage endCursor }
        }
      }`,
      { thingId, ...page },
    )
    const ids = executions.nodes.map(({ id }) => id)
    if (!page.first || !executions.pageInfo.hasNextPage) return ids
    return [...ids, ...(await walk({ ...page, after: executions.pageInfo.endCursor }))]
  }
})

describe('without RETENTION_DAYS', () => {
  it('everything is kept', async () => {
    const backend = await createBackend()
    const thingId = uniqueName('forever')
    const [old] = await withStore(backend, async (store) => {
      await repartition(store, ENDS)
      return seedExecutions(store, [{ thingId, status: 'FAILED', createdAt: '2020-05-28T08:00:00Z' }])
    })
    const service = await startService({ backend })
    expect(await service.execution(old?.id ?? '')).toMatchObject({ status: 'FAILED' })
    await service.stop()
    await withStore(backend, async ({ db }) => {
      const ends = (await listPartitions(db)).map(({ end }) => end)
      expect(ends).toEqual(expect.arrayContaining(ENDS.map(nameOf)))
      expect(ends.length).toBeGreaterThan(ENDS.length)
    })
    await backend.dispose()
  })
})
