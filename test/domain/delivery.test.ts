/** What is stored of a delivery, and what a key from before there was any still stands for. */

import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executions, idempotencyKeys } from '../../src/db/schema.ts'
import type { Context } from '../../src/domain/context.ts'
import { NEXT_DUE } from '../../src/domain/republish.ts'
import { sendCommand } from '../../src/domain/send.ts'
import type { SendRequest } from '../../src/domain/send-request.ts'
import { settleExecutions } from '../../src/domain/settle.ts'
import { registerThing } from '../../src/domain/things.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, insertOpen, openDomain } from '../support/domain.ts'

const REQUEST: SendRequest = {
  thingId: 'door-1',
  action: 'unlock',
  params: { for: 3 },
  ttl: null,
  idempotencyKey: null,
  caller: ANYBODY,
}
/** Of that request, as it was stored by 0.1.0. */
const FINGERPRINT = 'CbzvcXhm87VZe2D_h58oK6twG1_F0ceBxjHcnl_PXnc'

describe('delivery, in the database', () => {
  let domain: Domain
  let ctx: Context

  beforeAll(async () => {
    domain = await openDomain()
    await registerThing(domain.ctx, ANYBODY, { id: REQUEST.thingId })
    const { gateway } = domain.ctx
    const publishRequest = async () => ({ kind: 'confirmed', hasSubscriber: true }) as const
    ctx = { ...domain.ctx, gateway: { ...gateway, isAvailable: () => true, publishRequest } }
  })
  afterAll(() => domain.stop())

  async function send(given: Partial<SendRequest>) {
    const sent = await sendCommand(ctx, { ...REQUEST, ...given })
    if (!sent.ok) throw new Error(JSON.stringify(sent.errors))
    return sent.value
  }

  const readRow = async (id: string) => (await ctx.db.select().from(executions).where(eq(executions.id, id)))[0]

  it('is what the send answers, and settling keeps all of it but when to publish again', async () => {
    for (const [given, publishCount] of [
      [{ delivery: 'AT_LEAST_ONCE' }, 1],
      [{ delivery: 'AT_LEAST_ONCE', ttl: 2 }, 1],
      [{ delivery: 'AT_MOST_ONCE' }, null],
      [{}, null],
    ] as const) {
      const execution = await send(given)
      const open = await readRow(execution.id)
      expect(open).toEqual(execution)
      const delivery = publishCount === null ? null : 'AT_LEAST_ONCE'
      const againAfter = open?.publishAgainAt && open.publishAgainAt.getTime() - open.createdAt.getTime()
      expect({ ...open, againAfter }).toMatchObject({
        delivery,
        publishCount,
        againAfter: delivery && execution.ttl > 2 ? 2_000 : null,
      })
      const [settled] = await settleExecutions(ctx, [{ executionId: execution.id, status: 'SUCCEEDED' }])
      expect(settled).toMatchObject({ delivery, publishCount, publishAgainAt: null })
      expect(await readRow(execution.id)).toEqual(settled)
    }
  })

  it('leaves the key of a request without it what it was', async () => {
    const [executionId = ''] = await insertOpen(ctx, REQUEST.thingId, [60_000])
    await ctx.db.insert(idempotencyKeys).values({ key: 'before', fingerprint: FINGERPRINT, executionId })
    expect((await send({ idempotencyKey: 'before' })).id).toBe(executionId)
    const other = await sendCommand(ctx, { ...REQUEST, idempotencyKey: 'before', delivery: 'AT_LEAST_ONCE' })
    expect(other).toMatchObject({ ok: false, errors: [{ code: 'IDEMPOTENCY_CONFLICT' }] })
  })

  it('a look for the next one reads one entry of its index, whatever else is open', async () => {
    await ctx.db.execute(sql`
      insert into executions (thing_id, action, params, ttl, expires_at, delivery, publish_count, publish_again_at)
      select 'door-1', 'x', '{}', 86400, now() + interval '1 day', case when n % 4 = 0 then 'AT_LEAST_ONCE'::delivery end,
        case when n % 4 = 0 then 1 end, case when n % 4 = 0 then now() + n * interval '1 s' end
      from generate_series(1, 2000) as n`)
    await ctx.db.execute(sql`analyze executions`)
    const plan = await ctx.db.execute(sql`explain (analyze, format json) ${sql.raw(NEXT_DUE)}`)
    const text = JSON.stringify(plan)
    expect(text).toMatch(/"Index Name":"executions_publish_again"/)
    expect(text).not.toMatch(/"Node Type":"(Sort|Seq Scan)"/)
  })
})
