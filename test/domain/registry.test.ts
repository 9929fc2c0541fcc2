/** A command is never sent on the strength of what the registry said before, whichever replica changed it. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Context } from '../../src/domain/context.ts'
import { sendCommand } from '../../src/domain/send.ts'
import { defineThingType, deleteThingType } from '../../src/domain/thing-types.ts'
import { deregisterThing, registerThing, updateThing } from '../../src/domain/things.ts'
import { onServices } from '../support/backend.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

describe('a registry that changes behind the back of what is remembered', () => {
  let domain: Domain
  let other: Domain | undefined
  let sender: Context
  /** Another replica where there can be one; with the embedded database, another memory in the same process. */
  let changer: Context
  let thingId: string
  let thingType: string

  beforeAll(async () => {
    domain = await openDomain()
    other = onServices ? await openDomain({ backend: domain.backend, replica: uniqueName('other') }) : undefined
    const publishRequest = async () => ({ kind: 'confirmed', hasSubscriber: true }) as const
    sender = { ...domain.ctx, gateway: { ...domain.ctx.gateway, isAvailable: () => true, publishRequest } }
    changer = other?.ctx ?? domain.ctx
  })
  afterAll(async () => {
    await other?.stop()
    await domain.stop()
  })

  beforeEach(async () => {
    thingId = uniqueName('lamp')
    thingType = uniqueName('type')
    await define('blink')
    await registerThing(changer, ANYBODY, { id: thingId, thingType })
    expect(await send('blink')).toMatchObject({ ok: true, value: { ttl: 30, thingTypeVersion: '1.0.0' } })
  })

  const send = (action: string, params = {}) =>
    sendCommand(sender, { thingId, action, params, ttl: null, idempotencyKey: null, caller: ANYBODY })
  const define = (name: string, command = {}, version = '1.0.0') =>
    defineThingType(changer, ANYBODY, { name: thingType, version, commands: [{ name, ...command }] })
  const codes = async (action: string, params = {}) => {
    const sent = await send(action, params)
    return sent.ok ? [] : sent.errors.map(({ code }) => code)
  }

  it('takes away an action', async () => {
    await define('flash')
    expect(await codes('blink')).toEqual(['ACTION_UNKNOWN'])
    expect(await codes('flash')).toEqual([])
  })

  it('asks for other params, and less again', async () => {
    await define('blink', { paramsSchema: { required: ['times'] } })
    expect(await codes('blink')).toEqual(['PARAMS_INVALID'])
    expect(await codes('blink', { times: 2 })).toEqual([])
    await define('blink')
    expect(await codes('blink')).toEqual([])
  })

  it('gives another TTL and another version', async () => {
    await define('blink', { defaultTtl: 77 }, '2.0.0')
    expect(await send('blink')).toMatchObject({ ok: true, value: { ttl: 77, thingTypeVersion: '2.0.0' } })
  })

  it('takes the type away, and gives another one', async () => {
    await updateThing(changer, ANYBODY, { id: thingId, thingType: null })
    expect(await send('anything')).toMatchObject({ ok: true, value: { thingType: null } })
    await deleteThingType(changer, ANYBODY, thingType)
    await define('flash')
    await updateThing(changer, ANYBODY, { id: thingId, thingType })
    expect(await codes('anything')).toEqual(['ACTION_UNKNOWN'])
  })

  it('loses the thing, and has it again', async () => {
    await deregisterThing(changer, ANYBODY, thingId)
    expect(await codes('blink')).toEqual(['THING_NOT_FOUND'])
    await registerThing(changer, ANYBODY, { id: thingId })
    expect(await send('anything')).toMatchObject({ ok: true, value: { thingType: null } })
  })

  it('changes while 200 are being sent: each is checked against what was true when it was stored', async () => {
    const sending = Array.from({ length: 200 }, async (_, n) => {
      if (n === 100) await define('blink', { defaultTtl: 55 }, '3.0.0')
      return send('blink')
    })
    for (const sent of await Promise.all(sending)) {
      expect(sent.ok && [sent.value.ttl, sent.value.thingTypeVersion]).toBeOneOf([
        [30, '1.0.0'],
        [55, '3.0.0'],
      ])
    }
    expect(await send('blink')).toMatchObject({ ok: true, value: { ttl: 55, thingTypeVersion: '3.0.0' } })
  })
})
