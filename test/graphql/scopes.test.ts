/** What scope-auth remembers, it remembers of an authority, for as long as that is known. */
import { RequestCache } from '@pothos/plugin-scope-auth'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { authorityOf, type Caller, UNLIMITED } from '../../src/domain/access.ts'
import { createSignal } from '../../src/domain/signal.ts'
import { builder } from '../../src/graphql/builder.ts'
import { type CreateContext, createContexts } from '../../src/graphql/context.ts'
import { ABOUT } from '../support/about.ts'
import { type Domain, openDomain } from '../support/domain.ts'

let domain: Domain
let createContext: CreateContext

beforeAll(async () => {
  domain = await openDomain()
  createContext = createContexts(domain.ctx, ABOUT)
})
afterAll(() => domain.stop())

const newCaller = (role: 'viewer' | 'operator', things: string[] | null = null): Caller => ({
  name: 'ak_test',
  address: '192.0.2.1',
  requestId: 'a-request',
  authority: authorityOf(role, { ...UNLIMITED, things }),
})

const rememberedFor = (caller: Caller) => {
  const context = createContext(createSignal().listen, caller)
  return { context, remembered: RequestCache.fromContext(context, builder) }
}

it('is shared by all who may do the same, and by nobody else', () => {
  const { remembered } = rememberedFor(newCaller('viewer'))
  expect(rememberedFor(newCaller('viewer')).remembered).toBe(remembered)
  expect(rememberedFor(newCaller('operator')).remembered).not.toBe(remembered)
  expect(rememberedFor(newCaller('viewer', ['door-*'])).remembered).not.toBe(remembered)
})

it('holds nothing of a request', () => {
  const { context, remembered } = rememberedFor(newCaller('operator', ['door-*']))
  expect(remembered.context.onGone).not.toBe(context.onGone)
  expect(remembered.context.caller).toEqual({ name: null, address: null, authority: context.caller.authority })
})
