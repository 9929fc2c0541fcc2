/** Settling as the database keeps it. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settleExpired } from '../../src/domain/settle.ts'
import { type Domain, insertOpen, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

describe('settling', () => {
  let domain: Domain

  beforeAll(async () => {
    domain = await openDomain()
  })
  afterAll(() => domain.stop())

  it('is the last change, at one instant: an execution was not updated a millisecond after it settled', async () => {
    const { ctx } = domain
    // Two readings of the clock differ in their milliseconds once in some ten thousand times, in Postgres' microseconds often.
    await ctx.db.execute(sql`drop trigger executions_settled_once on executions`)
    const micros = sql`type timestamptz(6)`
    await ctx.db.execute(sql`alter table executions alter settled_at ${micros}, alter updated_at ${micros}`)
    const ids = await insertOpen(ctx, uniqueName('door'), Array(2_000).fill(-1_000))
    const settled = await settleExpired(ctx, ids.length)
    expect(settled).toHaveLength(ids.length)
    expect(await ctx.run('select id from executions where settled_at <> updated_at', [])).toEqual([])
  })
})
