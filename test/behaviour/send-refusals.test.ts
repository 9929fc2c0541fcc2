/** Each reason for which a command is not sent: the code, the path in the input, and that nothing came of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SendInput, UserErrorData } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { defineType, updateThing } from '../support/registry.ts'
import { type Service, startService } from '../support/service.ts'

const PARAMS_SCHEMA = {
  type: 'object',
  properties: {
    value: { type: 'number', minimum: 5, maximum: 35 },
    mode: { enum: ['heat', 'cool'] },
    zones: {
      type: 'array',
      maxItems: 3,
      items: {
        type: 'object',
        properties: { name: { type: 'string' }, level: { type: 'integer' } },
        required: ['name'],
        additionalProperties: false,
      },
    },
  },
  required: ['value'],
  additionalProperties: false,
}

const nested = (levels: number): Record<string, unknown> => (levels === 0 ? {} : { a: nested(levels - 1) })
const pathsOf = (errors: UserErrorData[]) => errors.map(({ path }) => path.join('.')).sort()

describe('a command that is refused', () => {
  let service: Service
  let device: TestDevice
  const typed = uniqueName('typed')
  const free = uniqueName('free')
  const typeName = uniqueName('com.example.thermostat')

  beforeAll(async () => {
    service = await startService()
    const commands = [
      { name: 'setTemperature', paramsSchema: PARAMS_SCHEMA },
      { name: 'reboot', defaultTtl: 77 },
      { name: 'odd', paramsSchema: { properties: { constructor: { type: 'string' } }, required: ['toString'] } },
    ]
    expect((await defineType(service, { name: typeName, commands })).errors).toEqual([])
    await service.registerThing(typed, { thingType: typeName })
    await service.registerThing(free)
    device = await startTestDevice(service.mqttUrl, typed)
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
  })

  /** What was recorded for the thing, and what has reached it up to a request that is sent for this. */
  async function traces(thingId: string): Promise<{ recorded: number; received: string[] }> {
    const { executions } = await service.query<{ executions: { nodes: unknown[] } }>(
      'query ($thingId: ID!) { executions(filter: { thingId: [$thingId] }) { nodes { id } } }',
      { thingId },
    )
    const marker = (await service.send({ thingId: typed })).execution?.id
    let request = await device.nextRequest()
    const received = []
    while (request.executionId !== marker) {
      received.push(request.executionId)
      request = await device.nextRequest()
    }
    return { recorded: executions.nodes.length, received }
  }

  const refusals: [string, string[], Partial<SendInput>][] = [
    ['THING_NOT_FOUND', ['thingId'], { thingId: uniqueName('nobody') }],
    ['THING_NOT_FOUND', ['thingId'], { thingId: '+' }],
    ['THING_NOT_FOUND', ['thingId'], { thingId: `${typed}/executions/x` }],
    ['THING_NOT_FOUND', ['thingId'], { thingId: `${typed}\n` }],
    ['THING_NOT_FOUND', ['thingId'], { thingId: `${typed}\u0000` }],
    ['THING_NOT_FOUND', ['thingId'], { thingId: '' }],
    ['ACTION_UNKNOWN', ['action'], { action: 'explode' }],
    ['ACTION_UNKNOWN', ['action'], { action: 'toString' }],
    ['INPUT_INVALID', ['action'], { action: '' }],
    ['INPUT_INVALID', ['action'], { action: 'a'.repeat(129) }],
    ['INPUT_INVALID', ['action'], { action: 'a\u0000' }],
    ['INPUT_INVALID', ['idempotencyKey'], { idempotencyKey: '' }],
    ['INPUT_INVALID', ['idempotencyKey'], { idempotencyKey: 'k'.repeat(256) }],
    ['INPUT_INVALID', ['idempotencyKey'], { idempotencyKey: 'k\ud800' }],
    ['TTL_OUT_OF_RANGE', ['ttl'], { ttl: 0 }],
    ['TTL_OUT_OF_RANGE', ['ttl'], { ttl: -1 }],
    ['TTL_OUT_OF_RANGE', ['ttl'], { ttl: 86_401 }],
    ['PARAMS_INVALID', ['params', 'value'], { action: 'setTemperature', params: {} }],
    ['PARAMS_INVALID', ['params', 'value'], { action: 'setTemperature', params: { value: 36 } }],
    ['PARAMS_INVALID', ['params', 'toString'], { action: 'odd', params: {} }],
  ]

  it('says why and where, records nothing and sends nothing', async () => {
    for (const [code, path, input] of refusals) {
      const { execution, errors } = await service.send({ thingId: typed, action: 'reboot', wait: true, ...input })
      expect({ input, execution, errors }).toEqual({
        input,
        execution: null,
        errors: [{ code, path, message: expect.stringMatching(/\S/), executionId: null }],
      })
    }
    expect(await traces(typed)).toEqual({ recorded: 0, received: [] })
  })

  it('names everything that is wrong at once', async () => {
    const { errors } = await service.send({ thingId: typed, action: '', ttl: 0, idempotencyKey: '' })
    expect(errors.map(({ code, path }) => [code, ...path])).toEqual([
      ['INPUT_INVALID', 'action'],
      ['INPUT_INVALID', 'idempotencyKey'],
      ['TTL_OUT_OF_RANGE', 'ttl'],
    ])
  })

  it('has one error for each violation of the schema, with its path', async () => {
    const params = { mode: 'warm', 'a/b~c': 1, zones: [{ level: 1.5 }, { name: 'x', extra: true }, {}, { name: 3 }] }
    const { errors } = await service.send({ thingId: typed, action: 'setTemperature', params })
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['PARAMS_INVALID']))
    expect(pathsOf(errors)).toEqual([
      'params.a/b~c',
      'params.mode',
      'params.value',
      'params.zones',
      'params.zones.0.level',
      'params.zones.0.name',
      'params.zones.1.extra',
      'params.zones.2.name',
      'params.zones.3.name',
    ])
  })

  it('has params that no database or device could take', async () => {
    const cases: [Record<string, unknown>, string[]][] = [
      [{ a: ['x\u0000'] }, ['params', 'a', '0']],
      [{ 'a\u0000': 1 }, ['params']],
      [{ a: { b: '\ud800' } }, ['params', 'a', 'b']],
      [nested(65), ['params', ...Array(65).fill('a')]],
      [{ text: 'x'.repeat(241 * 1024) }, ['params']],
    ]
    for (const [params, path] of cases) {
      const { execution, errors } = await service.send({ thingId: free, params })
      expect({ execution, found: errors.map((error) => [error.code, ...error.path]) }).toEqual({
        execution: null,
        found: [['PARAMS_INVALID', ...path]],
      })
    }
    expect(await traces(free)).toEqual({ recorded: 0, received: [] })
  })

  it('has a number that is none, written in variables or in the document', async () => {
    const text = JSON.stringify({
      query: `mutation ($params: JSONObject) {
        sendCommand(input: { thingId: "${free}", action: "x", params: $params }) { errors { code path } }
      }`,
      variables: { params: { a: 'HUGE' } },
    }).replace('"HUGE"', '1e400')
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    })
    const errors = [{ code: 'PARAMS_INVALID', path: ['params', 'a'] }]
    expect(await response.json()).toEqual({ data: { sendCommand: { errors } } })
    expect(
      await service.query(
        `mutation { sendCommand(input: { thingId: "${free}", action: "x", params: { a: 1e400 } }) { errors { code path } } }`,
      ),
    ).toEqual({ sendCommand: { errors } })
  })

  it('has a name in its params where JSON has strings', async () => {
    const { errors } = await service.request(
      `mutation { sendCommand(input: { thingId: "${free}", action: "x", params: { mode: HEAT } }) { errors { code } } }`,
    )
    expect(errors).toMatchObject([{ message: expect.stringContaining('"HEAT"') }])
  })

  it('is nested so deep that no recursion could walk it', async () => {
    const params = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
    const query = `mutation ($params: JSONObject) {
      sendCommand(input: { thingId: "${free}", action: "x", params: $params }) { execution { id } errors { code } }
    }`
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"params":${params}}}`,
    })
    expect(await response.json()).toEqual({
      data: { sendCommand: { execution: null, errors: [{ code: 'PARAMS_INVALID' }] } },
    })
  })

  it('is judged by the type that its thing has now', async () => {
    expect((await service.send({ thingId: free, action: 'anything' })).errors).toEqual([])
    await updateThing(service, { id: free, thingType: typeName })
    expect((await service.send({ thingId: free, action: 'anything' })).errors).toMatchObject([
      { code: 'ACTION_UNKNOWN' },
    ])
    await updateThing(service, { id: free, thingType: null })
    expect((await service.send({ thingId: free, action: 'anything' })).errors).toEqual([])
  })
})
