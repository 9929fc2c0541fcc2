/** Who holds back what counts as seen: transactions that may change something, and nobody who only reads. */
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readHorizon, UNSEEN_MS, visibleUpTo } from '../../src/domain/horizon.ts'
import { findThings, registerThing, updateThing } from '../../src/domain/things.ts'
import { onServices } from '../support/backend.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

if (!onServices) console.warn('DATABASE_URL and MQTT_URL are not set: what other sessions hold back did NOT run')

/** After it a transaction counts by its locks only. */
const GROWN_UP_MS = 2_500

let domain: Domain

beforeAll(async () => {
  domain = await openDomain()
})
afterAll(() => domain.stop())

describe('how far the database is', () => {
  it('is its clock, where nothing is under way', async () => {
    await expect.poll(() => readHorizon(domain.ctx.db)).toEqual({ now: expect.any(Date), oldestWriter: undefined })
    const now = new Date()
    expect(visibleUpTo({ now }, 10_000)).toEqual(new Date(now.getTime() - UNSEEN_MS))
  })

  it('is before the oldest writer, and no further back than any change takes', () => {
    const now = new Date()
    const ago = (ms: number) => new Date(now.getTime() - ms)
    expect(visibleUpTo({ now, oldestWriter: ago(3_000) }, 10_000)).toEqual(ago(3_000 + UNSEEN_MS))
    expect(visibleUpTo({ now, oldestWriter: ago(60_000) }, 10_000)).toEqual(ago(10_000 + UNSEEN_MS))
    // A clock that was set back.
    expect(visibleUpTo({ now, oldestWriter: ago(-5_000) }, 10_000)).toEqual(ago(UNSEEN_MS))
  })
})

describe.skipIf(!onServices)('another session', () => {
  const session = () => postgres(domain.backend.settings.databaseUrl ?? '', { max: 1, onnotice: () => {} })
  let other: postgres.Sql

  beforeAll(() => {
    other = session()
  })
  afterEach(() => other`rollback`)
  afterAll(() => other.end())

  const begin = async (): Promise<number> => {
    await other`begin isolation level repeatable read`
    const [row] = await other<{ ms: number }[]>`select floor(extract(epoch from now()) * 1000)::float8 as ms`
    return row?.ms ?? Number.NaN
  }

  it('that has read and was left open holds nothing back', async () => {
    await begin()
    await other`select count(*) from executions`
    await expect.poll(oldestWriter, { timeout: 10_000 }).toBeUndefined()
  })

  it('that reads for hours, as pg_dump, holds nothing back', async () => {
    await begin()
    const reading = other`select count(*), pg_sleep(8) from executions`.execute()
    await expect.poll(oldestWriter, { timeout: 7_000 }).toBeUndefined()
    await reading
  }, 20_000)

  it('that writes where no changes are followed holds nothing back', async () => {
    await begin()
    await other`insert into audit_events (action, target) values ('test', 'test')`
    await expect.poll(oldestWriter, { timeout: 10_000 }).toBeUndefined()
  })

  it.each([
    ['has changed something', `insert into things (id, client_id, tags) values ('t', 't', '{}')`],
    ['has found nothing to change', `update executions set ttl = 1 where id = gen_random_uuid()`],
    ['has locked what it may change', `select id from executions for update`],
  ])('that %s does, for as long as it is open', async (_name, statement) => {
    const begunAt = await begin()
    await other.unsafe(statement)
    await expectOldest(begunAt)
    await other`commit`
    await expect.poll(oldestWriter).toBeUndefined()
  })

  it('that waits for a table, with its clock read and nothing written, does', async () => {
    const begunAt = await begin()
    const holder = session()
    try {
      await holder`begin`
      await holder`lock table executions in access exclusive mode`
      const waiting = other`update executions set ttl = 1 where id = gen_random_uuid()`.execute()
      await expectOldest(begunAt)
      await holder`rollback`
      await waiting
    } finally {
      await holder.end()
    }
  })

  it('that makes a change of a thing wait does not make it older than its lock', async () => {
    const { ctx } = domain
    const id = uniqueName('waiting')
    await registerThing(ctx, ANYBODY, { id })
    await begin()
    await other`select id from things where id = ${id} for update`
    const changing = updateThing(ctx, ANYBODY, { id, tags: ['late'] })
    const isWaiting = async () => (await ctx.run('select 1 from pg_locks where not granted', [])).length > 0
    await expect.poll(isWaiting).toBe(true)
    const { now } = await readHorizon(ctx.db)
    await other`commit`
    expect(await changing).toMatchObject({ ok: true, value: { tags: ['late'] } })
    const [thing] = await findThings(ctx, [id])
    expect(thing?.updatedAt.getTime()).toBeGreaterThanOrEqual(now.getTime())
  })

  it('of a user whom we are not shown counts where it writes only', async () => {
    const role = `fc_test_${process.pid}`
    const url = new URL(domain.backend.settings.databaseUrl ?? '')
    await other.unsafe(`create role ${role} login password 'test'`)
    Object.assign(url, { username: role, password: 'test' })
    const ours = postgres(url.href, { max: 1, onnotice: () => {} })
    try {
      const read = async () => readHorizon(drizzle(ours))
      await begin()
      await other`select count(*) from executions`
      expect((await read()).oldestWriter).toBeUndefined()
      await other`select id from executions for update`
      const { now, oldestWriter } = await read()
      expect(now.getTime() - (oldestWriter?.getTime() ?? Number.NaN)).toBeGreaterThanOrEqual(60_000)
    } finally {
      await ours.end()
      await other`rollback`
      await other.unsafe(`drop role ${role}`)
    }
  })
})

/** Until it is no longer young. */
async function expectOldest(begunAt: number): Promise<void> {
  for (let ageMs = 0; ageMs < GROWN_UP_MS; ) {
    const { now, oldestWriter } = await readHorizon(domain.ctx.db)
    expect(oldestWriter?.getTime()).toBe(begunAt)
    ageMs = now.getTime() - begunAt
  }
}

const oldestWriter = async (): Promise<Date | undefined> => (await readHorizon(domain.ctx.db)).oldestWriter
