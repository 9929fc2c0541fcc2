/** Schemas and params that cost more than they weigh: they hold up neither the service nor other sends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOSTILE_DEFINITIONS, HOSTILE_PARAMS } from '../support/hostile-schemas.ts'
import { longestBlock } from '../support/loop-block.ts'
import { uniqueName } from '../support/names.ts'
import { defineType } from '../support/registry.ts'
import { type Service, startService } from '../support/service.ts'

const MAX_BLOCK_MS = 50
const nested = (levels: number): Record<string, unknown> => (levels === 0 ? {} : { a: nested(levels - 1) })

describe('a schema that costs more than it weighs', () => {
  let service: Service
  const free = uniqueName('free')
  let plain: string
  let patterned: string

  beforeAll(async () => {
    service = await startService()
    await service.registerThing(free)
    plain = await registerWith({ properties: { value: { type: 'number', minimum: 5 } }, required: ['value'] })
    patterned = await registerWith({ properties: { name: { pattern: '^[a-z]+$' } }, additionalProperties: true })
    // What is compiled for the first requests takes its time, too.
    for (let n = 0; n < 20; n++) await sendOthers()
  })

  afterAll(() => service.stop())

  it.each(HOSTILE_PARAMS)('lets a send be refused, and all others go on: $name', async ({ schema, params }) => {
    const thingId = await registerWith(schema)
    const usual = await longestBlock(() => service.send({ thingId: free, params }))
    expect(usual.result.errors).toEqual([])
    const { result, blockMs } = await longestBlock(() => withOthers(service.send({ thingId, action: 'act', params })))
    expect(result.answer).toMatchObject({ execution: null, errors: [{ code: 'PARAMS_INVALID' }] })
    expect(result.others).toBeGreaterThan(0)
    expect(blockMs).toBeLessThan(usual.blockMs + MAX_BLOCK_MS)
  })

  it.each(HOSTILE_DEFINITIONS)('is no definition, and sends go on: $name', async ({ schema }) => {
    const define = (paramsSchema: unknown) =>
      defineType(service, { name: uniqueName('type'), commands: [{ name: 'act', paramsSchema }] })
    const usual = await longestBlock(() => define({ examples: [schema] }))
    expect(usual.result.errors).toEqual([])
    const { result, blockMs } = await longestBlock(() => withOthers(define(schema)))
    expect(result.answer).toMatchObject({
      thingType: null,
      errors: [{ code: 'SCHEMA_INVALID', path: ['commands', '0', 'paramsSchema'] }],
    })
    expect(result.others).toBeGreaterThan(0)
    expect(blockMs).toBeLessThan(usual.blockMs + MAX_BLOCK_MS)
  })

  it('is not begun again for some seconds where it took too long', async () => {
    const [endless] = HOSTILE_PARAMS
    if (!endless) throw new Error('there is none')
    const thingId = await registerWith({ ...endless.schema, description: 'again' })
    const send = () => service.send({ thingId, action: 'act', params: endless.params })
    expect((await send()).errors).toMatchObject([
      { path: ['params'], message: 'params could not be checked against the paramsSchema within 2 seconds' },
    ])
    expect((await send()).errors).toMatchObject([{ code: 'OVERLOADED' }])
    await sendOthers()
  })

  it('may refer to itself without end: that is an error of the params', async () => {
    const thingId = await registerWith({
      $defs: { loop: { anyOf: [{ $ref: '#/$defs/loop' }] } },
      properties: { a: { $ref: '#/$defs/loop' } },
    })
    expect((await service.send({ thingId, action: 'act' })).errors).toEqual([])
    expect((await service.send({ thingId, action: 'act', params: { a: 1 } })).errors).toEqual([
      {
        code: 'PARAMS_INVALID',
        path: ['params'],
        message:
          'params cannot be checked, because the paramsSchema cannot be used: it refers to itself without end, or too deep',
        executionId: null,
      },
    ])
  })

  const kept: [string, Record<string, unknown>][] = [
    [
      'names that objects inherit',
      JSON.parse('{"__proto__":{"polluted":1},"constructor":1,"toString":{"__proto__":2}}'),
    ],
    ['great and small numbers', { a: 1e308, b: 5e-324, c: -0.1, d: 2 ** 53, e: -(2 ** 53) }],
    ['any character but NUL', { 'a/b~c "é" 🌡': '\u0001\u2028\u{1f321} \\ \n', '': '' }],
    ['64 levels', nested(64)],
    ['240 KB', { text: 'x'.repeat(240 * 1024 - '{"text":""}'.length) }],
    ['120,000 values', { list: Array.from({ length: 120_000 }, () => 0) }],
  ]

  it.each(kept)('keeps params of %s as they are', async (_name, params) => {
    const { execution, errors } = await service.send({ thingId: patterned, action: 'act', params })
    expect(errors).toEqual([])
    // As text, in the order of the members: toEqual does not see one called __proto__, and jsonb has an order of its own.
    const inOrder = (value: unknown) =>
      JSON.stringify(value)
        .split(/(?<=[,{}])/)
        .sort()
        .join()
    expect(inOrder(execution?.params) === inOrder(params)).toBe(true)
  })

  const refused: [string, Record<string, unknown>, string[]][] = [
    ['a NUL', { name: 'a\u0000' }, ['params', 'name']],
    ['a lone surrogate', { name: '\ud800' }, ['params', 'name']],
    ['a byte more than 240 KB', { text: 'x'.repeat(240 * 1024 - '{"text":""}'.length + 1) }, ['params']],
    ['what its pattern does not match', { name: 'A' }, ['params', 'name']],
  ]

  it.each(refused)('refuses params of %s', async (_name, params, path) => {
    const { execution, errors } = await service.send({ thingId: patterned, action: 'act', params })
    expect(execution).toBeNull()
    expect(errors.map((error) => [error.code, ...error.path])).toEqual([['PARAMS_INVALID', ...path]])
  })

  it('refuses params of 5,000 levels', async () => {
    const query = `mutation ($params: JSONObject) {
      sendCommand(input: { thingId: "${patterned}", action: "act", params: $params }) { errors { code path } }
    }`
    const params = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"params":${params}}}`,
    })
    const errors = [{ code: 'PARAMS_INVALID', path: ['params', ...Array<string>(65).fill('a')] }]
    expect(await response.json()).toEqual({ data: { sendCommand: { errors } } })
  })

  async function registerWith(paramsSchema: Record<string, unknown>): Promise<string> {
    const [name, thingId] = [uniqueName('type'), uniqueName('thing')]
    expect((await defineType(service, { name, commands: [{ name: 'act', paramsSchema }] })).errors).toEqual([])
    await service.registerThing(thingId, { thingType: name })
    return thingId
  }

  /** Of both kinds, while something else is under way: how many there were. */
  async function withOthers<T>(work: Promise<T>): Promise<{ answer: T; others: number }> {
    let isOver = false
    const over = work.finally(() => {
      isOver = true
    })
    let others = 0
    do {
      await sendOthers()
      others += 1
    } while (!isOver)
    return { answer: await over, others }
  }

  async function sendOthers(): Promise<void> {
    const sent = await Promise.all([
      service.send({ thingId: plain, action: 'act', params: { value: 21 } }),
      service.send({ thingId: patterned, action: 'act', params: { name: 'abc' } }),
    ])
    for (const { errors } of sent) expect(errors).toEqual([])
  }
})
