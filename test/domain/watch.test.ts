import { setImmediate as turn } from 'node:timers/promises'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { executions } from '../../src/db/schema.ts'
import type { Context } from '../../src/domain/context.ts'
import type { Execution } from '../../src/domain/execution.ts'
import { watchExecutions } from '../../src/domain/watch.ts'
import { sendMany, settleMany } from '../support/changes.ts'
import { type Domain, insertOpen, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

const UNAVAILABLE = Object.assign(new Error('the database system is starting up'), { code: '57P03' })
const BROKEN = new Error('no such column')

let domain: Domain
let ctx: Context
let thingId: string

beforeAll(async () => {
  domain = await openDomain()
  ctx = domain.ctx
})
afterAll(() => domain.stop())
beforeEach(() => {
  thingId = uniqueName('watched')
})

/** Not told of yet. */
const insert = (count: number) => insertOpen(ctx, thingId, new Array<number>(count).fill(600_000))

const send = (count: number) => sendMany(ctx, thingId, count)
const settle = (ids: string[]) => settleMany(ctx, ids)

async function read(changes: AsyncIterator<Execution>): Promise<Execution> {
  const { done, value } = await changes.next()
  if (done) throw new Error('the iterator ended')
  return value
}

/** A context whose first reads fail. */
function failing(...errors: Error[]): Context {
  const fail = () => {
    const error = errors.shift()
    if (error) throw error
  }
  const db = new Proxy(ctx.db, {
    get(target, name, receiver) {
      if (name === 'select') fail()
      return Reflect.get(target, name, receiver)
    },
  })
  const findExecution: Context['findExecution'] = async (id) => {
    fail()
    return ctx.findExecution(id)
  }
  return { ...ctx, db, findExecution }
}

describe('the iterator of changes', () => {
  it('serves several next() in their order', async () => {
    const changes = watchExecutions(ctx, { filter: { thingId: [thingId] } })
    const reading = [read(changes), read(changes), read(changes)]
    const ids = await send(3)
    const told = await Promise.all(reading)
    expect(told.map(({ id }) => id).sort()).toEqual(ids.sort())
    await changes.return?.()
  })

  it('ends at once with return(), while next() waits, and listens no longer', async () => {
    const before = ctx.live.listenerCount()
    const changes = watchExecutions(ctx, { filter: { thingId: [thingId] } })
    const reading = [changes.next(), changes.next()]
    await turn()
    expect(ctx.live.listenerCount()).toBe(before + 1)
    await changes.return?.()
    expect(ctx.live.listenerCount()).toBe(before)
    const end = { done: true, value: undefined }
    expect(await Promise.all([...reading, changes.next()])).toEqual([end, end, end])
    await send(1)
    expect(await changes.next()).toEqual(end)
  })

  it('ends also while it reads', async () => {
    const [id = ''] = await insert(1)
    for (const request of [{ id }, { since: new Date(0) }]) {
      const changes = watchExecutions(ctx, request)
      const reading = changes.next()
      await changes.return?.()
      expect(await reading).toEqual({ done: true, value: undefined })
    }
    expect(ctx.live.listenerCount()).toBe(0)
  })

  it('ends with throw()', async () => {
    const changes = watchExecutions(ctx, {})
    await expect(changes.throw?.(BROKEN)).rejects.toBe(BROKEN)
    expect(await changes.next()).toEqual({ done: true, value: undefined })
    expect(ctx.live.listenerCount()).toBe(0)
  })

  it('tries again where the database is away', async () => {
    const [id = ''] = await insert(1)
    for (const request of [{ id }, { since: new Date(0), filter: { thingId: [thingId] } }]) {
      const changes = watchExecutions(failing(UNAVAILABLE, UNAVAILABLE), request)
      expect(await read(changes)).toMatchObject({ id, status: 'SENT' })
      await changes.return?.()
    }
  })

  it('ends with the error where it cannot read', async () => {
    const [id = ''] = await insert(1)
    for (const request of [{ id }, { since: new Date(0) }]) {
      const changes = watchExecutions(failing(BROKEN), request)
      await expect(changes.next()).rejects.toBe(BROKEN)
      expect(await changes.next()).toEqual({ done: true, value: undefined })
      expect(ctx.live.listenerCount()).toBe(0)
    }
  })
})

describe('one execution', () => {
  it('is told of once where it settled before it was read', async () => {
    const [id = ''] = await insert(1)
    const changes = watchExecutions(ctx, { id })
    await settle([id])
    expect(await read(changes)).toMatchObject({ id, status: 'SUCCEEDED' })
    expect(ctx.live.listenerCount()).toBe(0)
    expect((await changes.next()).done).toBe(true)
  })

  it('is read again after a gap', async () => {
    const [id = ''] = await insert(1)
    const changes = watchExecutions(ctx, { id })
    expect(await read(changes)).toMatchObject({ status: 'SENT' })
    const reading = read(changes)
    await ctx.db.update(executions).set({ status: 'FAILED', settledAt: new Date() }).where(eq(executions.id, id))
    ctx.live.announceGap(new Date())
    expect(await reading).toMatchObject({ status: 'FAILED' })
    expect((await changes.next()).done).toBe(true)
  })
})

describe('catching up', () => {
  it('goes through more than a page of one instant', async () => {
    const ids = await insert(450)
    const at = new Date('2031-01-01T00:00:00.000Z')
    await ctx.db.update(executions).set({ updatedAt: at }).where(eq(executions.thingId, thingId))
    const changes = watchExecutions(ctx, { since: at, filter: { thingId: [thingId] } })
    const told = new Set<string>()
    while (told.size < ids.length) told.add((await read(changes)).id)
    expect(told).toEqual(new Set(ids))
    await changes.return?.()
  })

  it('tells in the order of the changes, also of those that come meanwhile: wherever it is cut, nothing is missed', async () => {
    const ids = await send(700)
    const changes = watchExecutions(ctx, { since: new Date(0), filter: { thingId: [thingId] } })
    const last = ids.slice(500)
    const states = new Map<string, string>()
    let newest = 0
    while (!last.every((id) => states.get(id) === 'SUCCEEDED')) {
      const { id, status, updatedAt } = await read(changes)
      expect(updatedAt.getTime()).toBeGreaterThanOrEqual(newest)
      newest = updatedAt.getTime()
      states.set(id, status)
      if (states.size % 100 === 0) await settle(ids.splice(0, 100))
    }
    expect(states.size).toBe(700)
    await changes.return?.()
  })

  it('is done after a gap', async () => {
    const [id = ''] = await send(1)
    const changes = watchExecutions(ctx, { filter: { thingId: [thingId] } })
    const reading = read(changes)
    await ctx.db
      .update(executions)
      .set({ status: 'FAILED', settledAt: new Date(), updatedAt: new Date() })
      .where(eq(executions.id, id))
    ctx.live.announceGap(new Date(Date.now() - 60_000))
    expect(await reading).toMatchObject({ id, status: 'FAILED' })
    await changes.return?.()
  })

  it('goes back to the gap and no further, however late a change may become visible', async () => {
    const [before = '', after = ''] = await insert(2)
    const gap = new Date(Date.now() - 60_000)
    const changedAt = (id: string, ms: number) =>
      ctx.db
        .update(executions)
        .set({ updatedAt: new Date(gap.getTime() + ms) })
        .where(eq(executions.id, id))
    await changedAt(before, -5_000)
    await changedAt(after, 0)
    const changes = watchExecutions({ ...ctx, commitLagMs: 10_000 }, { filter: { thingId: [thingId] } })
    const reading = read(changes)
    ctx.live.announceGap(gap)
    expect(await reading).toMatchObject({ id: after })
    await changes.return?.()
  })
})
