/** Schemas that are in the database, however they came there: no send fails by them in a way of its own. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { thingTypes } from '../../src/db/schema.ts'
import { sendCommand } from '../../src/domain/send.ts'
import { registerThing } from '../../src/domain/things.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

describe('a schema that was stored and cannot be used', () => {
  let domain: Domain
  beforeAll(async () => {
    domain = await openDomain()
  })
  afterAll(() => domain.stop())

  const cases: [string, JsonObject, string][] = [
    ['a plain one', { type: 'thing' }, 'schema is invalid: data/type must be equal to one of the allowed values'],
    ['a broken pattern', { properties: { a: { pattern: '(' } } }, 'Invalid regular expression'],
    ['a reference to nowhere', { $ref: '#/$defs/none' }, "can't resolve reference"],
    ['one that refers to itself', { $ref: '#' }, 'it refers to itself without end'],
  ]

  it.each(cases)('is an error of the params: %s', async (_name, paramsSchema, problem) => {
    const [name, thingId] = [uniqueName('type'), uniqueName('thing')]
    const definition = { description: null, resultSchema: null, defaultTtl: null, delivery: null }
    const commands = [{ name: 'act', paramsSchema, ...definition }]
    await domain.ctx.db.insert(thingTypes).values({ name, version: '1', commands })
    await registerThing(domain.ctx, ANYBODY, { id: thingId, thingType: name })
    const request = { thingId, action: 'act', params: {}, ttl: null, idempotencyKey: null, caller: ANYBODY }
    const sent = await sendCommand(domain.ctx, request)
    expect(sent).toMatchObject({
      ok: false,
      errors: [{ code: 'PARAMS_INVALID', path: ['params'], message: expect.stringContaining(problem) }],
    })
  })
})
