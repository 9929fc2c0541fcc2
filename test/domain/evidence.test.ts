import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executions } from '../../src/db/schema.ts'
import { findIgnoredResponses } from '../../src/domain/executions.ts'
import { applyResponses } from '../../src/domain/responses.ts'
import { type Domain, incoming, insertOpen, openDomain, readExecutions } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

const SUCCEEDED = { status: 'SUCCEEDED', result: 1 }
const FAILED = { status: 'FAILED', result: 2 }

describe('what is evidence, and what is a copy', () => {
  let domain: Domain
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    domain = await openDomain()
    // The database fails when it is told to: the tests say at which row, and with which SQLSTATE.
    for (const statement of [
      `create table failures (on_table text, status text, code text)`,
      `create function fail_on_demand() returns trigger language plpgsql as $$
        declare code text;
        begin
          select failures.code into code from failures where on_table = tg_argv[0] and status = new.status::text;
          if code is not null then raise exception 'on demand' using errcode = code; end if;
          return new;
        end $$`,
      "create trigger fail_on_demand before insert on ignored_responses for each row execute function fail_on_demand('ignored_responses')",
      // Settling puts a row among the settled ones.
      "create trigger fail_on_demand before insert on executions_settled for each row execute function fail_on_demand('executions')",
    ]) {
      await domain.ctx.db.execute(sql.raw(statement))
    }
  })

  afterAll(() => domain.stop())

  const insertOne = async () => (await insertOpen(domain.ctx, thingId, [60_000]))[0] ?? ''
  const causesOf = async (id: string) => (await findIgnoredResponses(domain.ctx, [id])).map(({ cause }) => cause)
  const read = async (id: string) => (await readExecutions(domain.ctx, [id]))[0]

  async function whileFailing(onTable: string, status: string, code: string, run: () => Promise<void>): Promise<void> {
    await domain.ctx.db.execute(sql`insert into failures values (${onTable}, ${status}, ${code})`)
    await run().finally(() => domain.ctx.db.execute(sql`delete from failures`))
  }

  it('what the broker delivers again is no repetition', async () => {
    const id = await insertOne()
    await applyResponses(domain.ctx, [incoming(thingId, id, SUCCEEDED)])
    await applyResponses(domain.ctx, [incoming(thingId, id, SUCCEEDED, true)])
    expect(await causesOf(id)).toEqual([])
    await applyResponses(domain.ctx, [incoming(thingId, id, FAILED)])
    await applyResponses(domain.ctx, [incoming(thingId, id, FAILED, true)])
    expect(await causesOf(id)).toEqual(['REPEATED'])
    await applyResponses(domain.ctx, [incoming(thingId, id, FAILED)])
    expect(await causesOf(id)).toEqual(['REPEATED', 'REPEATED'])
  })

  it('the same key order or not, it is the same answer', async () => {
    const id = await insertOne()
    await applyResponses(domain.ctx, [
      incoming(thingId, id, { status: 'SUCCEEDED', result: { a: 1, b: { c: 2, d: 3 } } }),
    ])
    const again = { result: { b: { d: 3, c: 2 }, a: 1 }, status: 'SUCCEEDED' }
    await applyResponses(domain.ctx, [incoming(thingId, id, again, true)])
    expect(await causesOf(id)).toEqual([])
  })

  it('the first in a batch settles, the others are evidence, in their order', async () => {
    const id = await insertOne()
    await applyResponses(domain.ctx, [
      incoming('another-thing', id, FAILED),
      incoming(thingId, id, { status: 'NONSENSE' }),
      incoming(thingId, id, SUCCEEDED),
      incoming(thingId, id, FAILED),
      incoming(thingId, id, SUCCEEDED),
    ])
    expect(await read(id)).toMatchObject({ status: 'SUCCEEDED', result: 1, ignoredCount: 3 })
    expect((await causesOf(id)).toSorted()).toEqual(['MALFORMED', 'REPEATED', 'REPEATED'])
  })

  it('a try that failed halfway and is made again counts nothing twice, and forgets nothing', async () => {
    const [settled, late, further] = await insertOpen(domain.ctx, thingId, [60_000, 60_000, 60_000])
    const ids = [settled, late, further].map((id) => id ?? '')
    await applyResponses(domain.ctx, [incoming(thingId, ids[1] ?? '', SUCCEEDED)])
    const batch = [
      incoming(thingId, ids[0] ?? '', SUCCEEDED),
      incoming(thingId, ids[1] ?? '', SUCCEEDED),
      incoming(thingId, ids[2] ?? '', SUCCEEDED),
      incoming(thingId, ids[2] ?? '', SUCCEEDED),
      incoming(thingId, ids[2] ?? '', FAILED),
    ]
    await whileFailing('ignored_responses', 'FAILED', '57P03', async () => {
      for (let tries = 0; tries < 3; tries++) await expect(applyResponses(domain.ctx, batch)).rejects.toThrow()
    })
    await applyResponses(domain.ctx, batch)
    expect(await causesOf(ids[0] ?? '')).toEqual([])
    expect(await causesOf(ids[1] ?? '')).toEqual(['REPEATED'])
    expect(await causesOf(ids[2] ?? '')).toEqual(['REPEATED', 'REPEATED'])
    expect(await read(ids[2] ?? '')).toMatchObject({ status: 'SUCCEEDED', ignoredCount: 2 })
  })

  it('updatedAt never goes back, not even with the clock of the database', async () => {
    const id = await insertOne()
    const [ahead] = await domain.ctx.db
      .update(executions)
      .set({ updatedAt: sql`now() + interval '1 minute'` })
      .where(eq(executions.id, id))
      .returning({ updatedAt: executions.updatedAt })
    await applyResponses(domain.ctx, [incoming(thingId, id, SUCCEEDED), incoming(thingId, id, FAILED)])
    expect(await read(id)).toMatchObject({ status: 'SUCCEEDED', ignoredCount: 1, updatedAt: ahead?.updatedAt })
  })

  it.each(['57P03', '53300', '25006', '40P01', '55P03', 'XX000'])(
    'a database that fails with %s has not refused the response: it is tried again',
    async (code) => {
      const id = await insertOne()
      const batch = [incoming(thingId, id, SUCCEEDED)]
      await whileFailing('executions', 'SUCCEEDED', code, () =>
        expect(applyResponses(domain.ctx, batch)).rejects.toThrow(),
      )
      await applyResponses(domain.ctx, batch)
      expect(await read(id)).toMatchObject({ status: 'SUCCEEDED', ignoredCount: 0 })
    },
  )

  it('a response that the database will not store does not spoil its batch, nor come back for ever', async () => {
    const ids = await insertOpen(domain.ctx, thingId, Array(20).fill(60_000))
    const [, refused = ''] = ids
    const answers = ids.map((id) => incoming(thingId, id, id === refused ? FAILED : SUCCEEDED))
    await whileFailing('executions', 'FAILED', '22P02', () => applyResponses(domain.ctx, answers))
    const rows = await readExecutions(domain.ctx, ids)
    expect(rows.filter(({ status }) => status === 'SUCCEEDED')).toHaveLength(19)
    await whileFailing('ignored_responses', 'FAILED', '22P02', () =>
      applyResponses(domain.ctx, [
        ...ids.slice(2).map((id) => incoming(thingId, id, FAILED)),
        ...ids.slice(2).map((id) => incoming(thingId, id, { status: 'REJECTED' })),
      ]),
    )
    for (const id of ids.slice(2)) expect(await causesOf(id)).toEqual(['REPEATED'])
    expect(domain.ctx.refusals.totals().UNSTORABLE).toBe(19)
  })
})
