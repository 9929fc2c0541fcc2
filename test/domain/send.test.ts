import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Context } from '../../src/domain/context.ts'
import { sendCommand } from '../../src/domain/send.ts'
import { registerThing } from '../../src/domain/things.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

const UNAVAILABLE = Object.assign(new Error('the database system is shutting down'), { code: '57P03' })

describe('sendCommand where broker and database go away together', () => {
  let domain: Domain
  const thingId = uniqueName('door')

  beforeAll(async () => {
    domain = await openDomain()
    await registerThing(domain.ctx, ANYBODY, { id: thingId })
  })
  afterAll(() => domain.stop())

  /** The link to the broker breaks before the PUBACK, and from then on nothing can be read. */
  function losingBoth(): Context {
    let isAway = false
    const findExecution: Context['findExecution'] = async (id) => {
      if (isAway) throw UNAVAILABLE
      return domain.ctx.findExecution(id)
    }
    const publishRequest = async () => {
      isAway = true
      return { kind: 'unconfirmed', why: 'the link broke' } as const
    }
    return {
      ...domain.ctx,
      findExecution,
      gateway: {
        isAvailable: () => true,
        announce() {},
        waitingResponses: () => 0,
        follow: () => ({ ready: Promise.resolve(), stop() {} }),
        publishRequest,
      },
    }
  }

  it('says that the execution is recorded, and not to try again', async () => {
    const request = { thingId, action: 'unlock', params: {}, ttl: 60, idempotencyKey: null, caller: ANYBODY }
    const sent = await sendCommand(losingBoth(), request)
    expect(sent).toMatchObject({
      ok: false,
      errors: [{ code: 'DELIVERY_UNCONFIRMED', executionId: expect.any(String) }],
    })
  })
})
