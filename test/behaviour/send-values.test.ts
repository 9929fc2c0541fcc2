/** What a command may say: TTLs and params that are taken, kept and handed on as they are; and that it is said once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXECUTION_FIELDS, type ExecutionData } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { defineType, deregisterThing } from '../support/registry.ts'
import { type Service, startService } from '../support/service.ts'

const nested = (levels: number): Record<string, unknown> => (levels === 0 ? {} : { a: nested(levels - 1) })

describe('a command', () => {
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('free')
  const typed = uniqueName('typed')

  beforeAll(async () => {
    service = await startService()
    const name = uniqueName('com.example.pump')
    await defineType(service, { name, commands: [{ name: 'fill', defaultTtl: 77 }, { name: 'empty' }] })
    await service.registerThing(thingId)
    await service.registerThing(typed, { thingType: name })
    device = await startTestDevice(service.mqttUrl, thingId)
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
  })

  it('takes its TTL from the send, else from the definition, else 30 seconds', async () => {
    const ttlOf = async (id: string, action: string, ttl?: number | null) => {
      const input = { thingId: id, action, ...(ttl !== undefined && { ttl }) }
      const { sendCommand } = await service.query<{ sendCommand: { execution: { ttl: number } | null } }>(
        'mutation ($input: SendCommandInput!) { sendCommand(input: $input) { execution { ttl } } }',
        { input },
      )
      return sendCommand.execution?.ttl
    }
    expect(await ttlOf(thingId, 'x')).toBe(30)
    expect(await ttlOf(typed, 'empty')).toBe(30)
    expect(await ttlOf(typed, 'fill')).toBe(77)
    expect(await ttlOf(typed, 'fill', null)).toBe(77)
    expect(await ttlOf(typed, 'fill', 1)).toBe(1)
    expect(await ttlOf(thingId, 'x', 86_400)).toBe(86_400)
  })

  const tame: [string, Record<string, unknown>][] = [
    ['nothing', {}],
    ['64 levels', nested(64)],
    [
      'names that objects inherit',
      JSON.parse('{"__proto__":{"polluted":1},"constructor":1,"toString":{"__proto__":2}}'),
    ],
    ['great and small numbers', { a: 1e308, b: 5e-324, c: -0.1, d: 2 ** 53, e: -(2 ** 53), f: 1e21 }],
    ['any character but NUL', { 'a/b~c "é" 🌡': '\u0001\u2028\u{1f321} \\ \n', '': '' }],
    ['240 KB', { text: 'x'.repeat(240 * 1024 - '{"text":""}'.length) }],
    ['nothing but nulls', { a: null, b: [null, [], {}] }],
  ]

  it.each(tame)('is kept and handed on with params of %s', async (_name, params) => {
    const { execution, errors } = await service.send({ thingId, params })
    expect(errors).toEqual([])
    const request = await nextOf(execution)
    // As text: toEqual does not see a member called __proto__.
    for (const seen of [execution?.params, (await service.execution(execution?.id ?? '')).params, request.params]) {
      expect(sorted(seen)).toBe(sorted(params))
    }
  })

  it('may have its params written in the document', async () => {
    const { sendCommand } = await service.query<{ sendCommand: { execution: ExecutionData } }>(
      `mutation { sendCommand(input: { thingId: "${thingId}", action: "x", params: {
        __proto__: { polluted: true }, n: -1.5e3, list: [1, "two", null, true], o: { deep: { er: "é" } }
      } }) { execution { ${EXECUTION_FIELDS} } } }`,
    )
    const expected = sorted(
      JSON.parse('{"__proto__":{"polluted":true},"n":-1500,"list":[1,"two",null,true],"o":{"deep":{"er":"é"}}}'),
    )
    expect(sorted(sendCommand.execution.params)).toBe(expected)
    expect(sorted((await nextOf(sendCommand.execution)).params)).toBe(expected)
    expect('polluted' in {}).toBe(false)
  })

  it('is one execution and one request for one idempotency key, however often and at once it is sent', async () => {
    const idempotencyKey = uniqueName('key')
    const params = { a: 1, b: { c: [1, 2], d: null } }
    const before = device.requests.length
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => service.send({ thingId, action: 'once', params, idempotencyKey })),
    )
    for (const { errors } of answers) expect(errors).toEqual([])
    expect(new Set(answers.map(({ execution }) => execution?.id)).size).toBe(1)
    const [first] = answers
    const sameInOtherOrder = { b: { d: null, c: [1, 2] }, a: 1 }
    const again = await service.send({ thingId, action: 'once', params: sameInOtherOrder, idempotencyKey })
    expect(again.execution?.id).toBe(first?.execution?.id)

    const marker = (await service.send({ thingId, action: 'marker' })).execution
    await nextOf(marker)
    expect(device.requests.slice(before).map(({ action }) => action)).toEqual(['once', 'marker'])
  })

  it('conflicts with another one of the same key, and the first stays as it was', async () => {
    const idempotencyKey = uniqueName('key')
    const base = { thingId, action: 'once', params: { list: [1, 2] }, ttl: 30, idempotencyKey }
    const first = (await service.send(base)).execution
    const { ttl: _ttl, ...withoutTtl } = base
    const others = [
      { ...base, thingId: typed, action: 'fill' },
      { ...base, action: 'twice' },
      { ...base, params: { list: [2, 1] } },
      { ...base, params: {} },
      { ...base, ttl: 31 },
      withoutTtl,
    ]
    for (const other of others) {
      expect(await service.send(other)).toEqual({
        execution: null,
        errors: [
          { code: 'IDEMPOTENCY_CONFLICT', path: ['idempotencyKey'], message: expect.any(String), executionId: null },
        ],
      })
    }
    expect((await service.send(base)).execution).toEqual(first)
  })

  it('is answered from its key when it has settled, and when its thing is gone', async () => {
    const gone = uniqueName('gone')
    await service.registerThing(gone)
    const input = { thingId: gone, action: 'once', ttl: 600, idempotencyKey: uniqueName('key') }
    const first = (await service.send(input)).execution
    await service.cancel(first?.id ?? '')
    await deregisterThing(service, gone)
    const again = await service.send({ ...input, wait: true })
    expect(again).toMatchObject({ errors: [], execution: { id: first?.id, status: 'CANCELED' } })
    const { idempotencyKey: _key, ...withoutKey } = input
    expect((await service.send(withoutKey)).errors).toMatchObject([{ code: 'THING_NOT_FOUND' }])
  })

  async function nextOf(execution: { id: string } | null | undefined) {
    let request = await device.nextRequest()
    while (request.executionId !== execution?.id) request = await device.nextRequest()
    return request
  }
})

/** JSON text with the members in order: jsonb keeps its own. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, child]) => `${JSON.stringify(key)}:${sorted(child)}`).join()}}`
}
