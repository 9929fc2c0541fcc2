/** What a caller repeats after an outage, all at once, costs the database little. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { idempotencyKeys } from '../../src/db/schema.ts'
import { createKeyLookup } from '../../src/domain/idempotency.ts'
import { sendCommand } from '../../src/domain/send.ts'
import { registerThing } from '../../src/domain/things.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, insertOpen, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

describe('keys that are looked up together', () => {
  let domain: Domain
  const thingId = uniqueName('door')
  const keys = Array.from({ length: 300 }, (_, n) => `intent-${n}`)

  beforeAll(async () => {
    domain = await openDomain()
    await registerThing(domain.ctx, ANYBODY, { id: thingId })
  })
  afterAll(() => domain.stop())

  it('take two statements, and each has its own answer', async () => {
    const { ctx } = domain
    const ids = await insertOpen(ctx, thingId, Array(keys.length).fill(60_000))
    const rows = keys.map((key, n) => ({ key, fingerprint: `of-${n}`, executionId: ids[n] ?? '' }))
    await ctx.db.insert(idempotencyKeys).values(rows)
    let statements = 0
    const find = createKeyLookup((text, parameters) => {
      statements += 1
      return ctx.run(text, parameters)
    })
    const asked = [...keys, 'new', keys[0] ?? '', '"', '\\']
    const found = await Promise.all(asked.map((key) => find(key)))
    expect(found.map((one) => one?.fingerprint)).toEqual([
      ...keys.map((_, n) => `of-${n}`),
      undefined,
      'of-0',
      undefined,
      undefined,
    ])
    expect(found.map((one) => one?.execution?.id)).toEqual([...ids, undefined, ids[0], undefined, undefined])
    expect(found[0]?.execution).toMatchObject({ thingId, status: 'SENT', params: {}, createdAt: expect.any(Date) })
    expect(statements).toBeLessThanOrEqual(2)
  })

  it('say that there was one where its execution has left', async () => {
    const { ctx } = domain
    const executionId = '01900000-0000-7000-8000-000000000000'
    await ctx.db.insert(idempotencyKeys).values({ key: 'left', fingerprint: 'f', executionId })
    expect(await ctx.findKeyed('left')).toEqual({ fingerprint: 'f', execution: undefined })
  })

  it('hold up nobody for long where the database does not answer', async () => {
    const { ctx } = domain
    const findKeyed = createKeyLookup(() => new Promise(() => {}))
    const request = { thingId, action: 'unlock', params: {}, ttl: 60, idempotencyKey: 'silent', caller: ANYBODY }
    const gateway = { ...ctx.gateway, isAvailable: () => false }
    const startedAt = performance.now()
    const sending = [1, 2].map(() => sendCommand({ ...ctx, findKeyed, gateway }, request).catch((error) => error))
    const [first, second] = await Promise.all(sending)
    expect(first).toMatchObject({ code: 'ETIMEDOUT' })
    expect(second).toMatchObject({ ok: false, errors: [{ code: 'OVERLOADED' }] })
    expect(performance.now() - startedAt).toBeLessThan(7_000)
  })
})
