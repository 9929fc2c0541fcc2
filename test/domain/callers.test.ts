/** Who has to go, and who may stay, while keys are looked at. */
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { apiKeys } from '../../src/db/schema.ts'
import { createApiKey, revokeApiKey } from '../../src/domain/api-keys.ts'
import { createCallers } from '../../src/domain/callers.ts'
import { ANYBODY, basic } from '../support/caller.ts'
import { type Domain, openDomain } from '../support/domain.ts'

let domain: Domain

beforeAll(async () => {
  domain = await openDomain()
})

afterAll(() => domain.stop())

async function makeKey() {
  const made = await createApiKey(domain.ctx, ANYBODY, { name: 'test', role: 'viewer' })
  if (!made.ok) throw new Error(JSON.stringify(made.errors))
  const { apiKey, secret } = made.value
  return { id: apiKey.id, authorization: basic(apiKey.id, secret) }
}

const ORIGIN = { address: null, requestId: undefined }

it('lets stay whoever came in while a look was under way', async () => {
  const { ctx } = domain
  const { id } = await makeKey()
  // Somebody else is there, so that the look has something to ask the database for.
  const letGo = ctx.callers.hold({ ...ANYBODY, name: (await makeKey()).id }, () => {})
  await ctx.callers.look()
  let hasEnded = false
  const looking = ctx.callers.look()
  // It has said already which keys it asks for.
  await Promise.resolve()
  ctx.callers.hold({ ...ANYBODY, name: id }, () => {
    hasEnded = true
  })
  await looking
  expect(hasEnded).toBe(false)
  await revokeApiKey(ctx, ANYBODY, id)
  await ctx.callers.look()
  expect(hasEnded).toBe(true)
  letGo()
})

it('knows of a revocation after a look that was asked for behind it, whatever look was under way', async () => {
  const { ctx } = domain
  const { id, authorization } = await makeKey()
  expect(await ctx.callers.identify(authorization, ORIGIN)).toMatchObject({ name: id })
  void ctx.callers.look()
  const revoking = revokeApiKey(ctx, ANYBODY, id)
  void ctx.callers.look()
  await revoking
  await ctx.callers.look()
  await expect((async () => ctx.callers.identify(authorization, ORIGIN))()).rejects.toThrow(/not good/)
})

it('notes which keys were used, at the latest when it stops', async () => {
  const { ctx } = domain
  const { id, authorization } = await makeKey()
  const usedAt = async () =>
    (await ctx.db.select({ at: apiKeys.lastUsedAt }).from(apiKeys).where(eq(apiKeys.id, id)))[0]?.at
  const callers = await createCallers(ctx)
  await callers.identify(authorization, ORIGIN)
  expect(await usedAt()).toBeNull()
  await callers.stop()
  expect(await usedAt()).toBeInstanceOf(Date)
})
