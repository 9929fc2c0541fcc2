/** Partitions of settled executions: created ahead, by any number of replicas, after any pause. */
import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPartitionsAhead, dropPartitionsBelow, listPartitions } from '../../src/db/partitions.ts'
import { executions } from '../../src/db/schema.ts'
import { millisecondsOf } from '../../src/db/uuid.ts'
import { settleExecutions } from '../../src/domain/settle.ts'
import { onServices } from '../support/backend.ts'
import { type Domain, insertOpen, openDomain, readExecutions } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'
import { repartition } from '../support/partitions.ts'

const DAY_MS = 86_400_000

describe('partitions of settled executions', () => {
  let domain: Domain
  const thingId = uniqueName('partitioned')

  beforeAll(async () => {
    domain = await openDomain()
  })

  afterAll(() => domain.stop())

  const endsInDays = async () =>
    (await listPartitions(domain.ctx.db)).map(({ below }) => (millisecondsOf(below) - Date.now()) / DAY_MS)

  it('reach at least two weeks ahead, end on Mondays or on firsts of a month, and follow each other', async () => {
    const { db } = domain.ctx
    for (const [width, longest] of [
      ['week', 7],
      ['month', 31],
    ] as const) {
      await repartition(domain.ctx, ['2026-01-05', new Date(Date.now() - DAY_MS).toISOString().slice(0, 10)])
      const created = await createPartitionsAhead(db, width)
      expect(created.length).toBeGreaterThan(0)
      const ends = await endsInDays()
      expect(ends.at(-1)).toBeGreaterThanOrEqual(14)
      expect(ends.at(-1)).toBeLessThanOrEqual(14 + longest)
      for (const end of created) {
        const day = new Date(`${end.slice(0, 4)}-${end.slice(4, 6)}-${end.slice(6)}`)
        expect(width === 'week' ? day.getUTCDay() : day.getUTCDate()).toBe(1)
      }
      expect(await createPartitionsAhead(db, width)).toEqual([])
    }
  })

  it('are one for all the time that a service was down', async () => {
    await repartition(domain.ctx, ['2020-01-06'])
    const created = await createPartitionsAhead(domain.ctx.db, 'week')
    expect(created.length).toBeLessThanOrEqual(3)
    // Of the time in between: its clock was wrong then, or it was stored by another service.
    await domain.ctx.db.insert(executions).values({
      id: sql`uuid_v7('2023-05-28T08:00:00Z')`,
      thingId,
      action: 'reboot',
      params: {},
      ttl: 1,
      status: 'FAILED',
      settledAt: sql`now()`,
      expiresAt: sql`now()`,
    })
    expect(await domain.ctx.db.$count(executions, eq(executions.thingId, thingId))).toBe(1)
  })

  it('are created once, by whichever replica comes first', async () => {
    await repartition(domain.ctx, ['2026-01-05'])
    const others = await Promise.all([1, 2, 3].map((n) => openOther(n)))
    const created = await Promise.all([domain, ...others].map(({ ctx }) => createPartitionsAhead(ctx.db, 'week')))
    const ends = created.flat()
    expect(new Set(ends).size).toBe(ends.length)
    expect((await listPartitions(domain.ctx.db)).map(({ end }) => end)).toEqual(['20260105', ...ends])
    for (const other of others) if (other !== domain) await other.stop()
  })

  it('are dropped once, by whichever replica comes first, while others settle', async () => {
    await repartition(domain.ctx, ['2020-01-06', '2020-01-13'])
    await createPartitionsAhead(domain.ctx.db, 'month')
    const other = await openOther(4)
    const [, second] = await listPartitions(domain.ctx.db)
    if (!second) throw new Error('no partition')
    const ids = await insertOpen(domain.ctx, thingId, Array(200).fill(60_000))
    const settling = ids.map((executionId) => settleExecutions(domain.ctx, [{ executionId, status: 'CANCELED' }]))
    const dropped = await Promise.all([domain, other].map(({ ctx }) => dropPartitionsBelow(ctx.db, second.below)))
    expect(dropped.sort()).toEqual(['20200113', undefined])
    expect((await Promise.all(settling)).flat()).toHaveLength(200)
    const ends = (await listPartitions(domain.ctx.db)).map(({ end }) => end)
    expect(ends).not.toContain('20200106')
    // What takes the place of all that are gone: a clock that was wrong once must not keep an execution from being settled.
    expect(ends[0]).toBe('20200113')
    const [past] = await domain.ctx.db
      .insert(executions)
      .values({
        id: sql`uuid_v7('2000-01-01T00:00:00Z')`,
        thingId,
        action: 'reboot',
        params: {},
        ttl: 1,
        expiresAt: sql`now()`,
      })
      .returning({ id: executions.id })
    expect(await settleExecutions(domain.ctx, [{ executionId: past?.id ?? '', status: 'TIMED_OUT' }])).toHaveLength(1)
    if (other !== domain) await other.stop()
  })

  it('keep what is settled from being settled again', async () => {
    const { db } = domain.ctx
    const [id = ''] = await insertOpen(domain.ctx, thingId, [60_000])
    await settleExecutions(domain.ctx, [{ executionId: id, status: 'SUCCEEDED', result: { ok: true } }])
    const update = (set: object) => db.update(executions).set(set).where(eq(executions.id, id))
    for (const set of [
      { status: 'FAILED' as const },
      { status: 'SENT' as const, settledAt: null, result: null },
      { result: { ok: false } },
      { settledAt: new Date(0) },
    ]) {
      await expect(update(set)).rejects.toMatchObject({ cause: { code: '23000' } })
    }
    await update({ ignoredCount: 1 })
    const [row] = await readExecutions(domain.ctx, [id])
    expect(row).toMatchObject({ status: 'SUCCEEDED', result: { ok: true }, ignoredCount: 1 })
    expect(await settleExecutions(domain.ctx, [{ executionId: id, status: 'CANCELED' }])).toEqual([])
  })

  /** Another replica; the embedded database has none. */
  const openOther = async (n: number): Promise<Domain> =>
    onServices ? openDomain({ backend: domain.backend, replica: `other-${n}` }) : domain
})
