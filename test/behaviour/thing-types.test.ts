/** Thing Types: what they accept, what becomes of executions when they change, and when they may go. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { defineType, deleteType, deregisterThing, type ThingTypeData, updateThing } from '../support/registry.ts'
import { type Service, startService } from '../support/service.ts'

describe('thing types', () => {
  let service: Service
  const codes = ({ errors }: { errors: { code: string; path: string[] }[] }) =>
    errors.map(({ code, path }) => [code, ...path].join(' '))

  beforeAll(async () => {
    service = await startService()
  })

  afterAll(() => service.stop())

  it('are defined with all that was given, and with defaults for what was not', async () => {
    const plain = uniqueName('plain')
    expect(await defineType(service, { name: plain })).toEqual({
      errors: [],
      thingType: { name: plain, version: '1.0.0', description: null, commands: [] },
    })
    const command = {
      name: 'set temperature °C',
      description: 'Sets it.',
      paramsSchema: {
        $id: 'urn:example:x',
        type: 'object',
        properties: { value: { $ref: '#/$defs/v' } },
        $defs: { v: {} },
      },
      resultSchema: { type: 'object' },
      defaultTtl: 86_400,
    }
    const bare = { name: '__proto__', description: null, paramsSchema: null, resultSchema: null, defaultTtl: null }
    const given = {
      name: uniqueName('given'),
      version: 'v2-β',
      description: '',
      commands: [command, { name: '__proto__' }],
    }
    expect(await defineType(service, given)).toEqual({
      errors: [],
      thingType: { ...given, commands: [command, bare] },
    })
    expect(await find(given.name)).toMatchObject({ version: 'v2-β', commands: [command, bare] })
    expect(await find('a b\u0000')).toBeNull()
  })

  it('are replaced whole, and executions keep the version they were checked against', async () => {
    const name = uniqueName('versioned')
    const thingId = uniqueName('pump')
    await defineType(service, { name, version: '1', description: 'old', commands: [{ name: 'fill' }] })
    await service.registerThing(thingId, { thingType: name })
    const first = (await service.send({ thingId, action: 'fill' })).execution
    const replaced = await defineType(service, { name, version: '2', commands: [{ name: 'empty' }] })
    expect(replaced.thingType).toMatchObject({ version: '2', description: null, commands: [{ name: 'empty' }] })
    expect(codes(await service.send({ thingId, action: 'fill' }))).toEqual(['ACTION_UNKNOWN action'])
    const second = (await service.send({ thingId, action: 'empty' })).execution
    await updateThing(service, { id: thingId, thingType: null })
    const third = (await service.send({ thingId, action: 'fill' })).execution
    expect(codes(await deleteType(service, name))).toEqual([])
    const versionOf = async (id: string | undefined) =>
      (
        await service.query<{ execution: unknown }>(
          'query ($id: ID!) { execution(id: $id) { thingType thingTypeVersion } }',
          { id },
        )
      ).execution
    expect(await versionOf(first?.id)).toEqual({ thingType: name, thingTypeVersion: '1' })
    expect(await versionOf(second?.id)).toEqual({ thingType: name, thingTypeVersion: '2' })
    expect(await versionOf(third?.id)).toEqual({ thingType: null, thingTypeVersion: null })
  })

  it('are not deleted while things have them', async () => {
    const name = uniqueName('used')
    const thingId = uniqueName('pump')
    await defineType(service, { name })
    await service.registerThing(thingId, { thingType: name })
    expect(await deleteType(service, name)).toMatchObject({ thingType: null, errors: [{ code: 'THING_TYPE_IN_USE' }] })
    await deregisterThing(service, thingId)
    expect(await deleteType(service, name)).toMatchObject({ thingType: { name }, errors: [] })
    expect(codes(await deleteType(service, name))).toEqual(['THING_TYPE_NOT_FOUND name'])
    expect(codes(await deleteType(service, 'a b\u0000'))).toEqual(['THING_TYPE_NOT_FOUND name'])
    expect(await find(name)).toBeNull()
  })

  it('name everything that is wrong with them at once', async () => {
    const commands = [
      { name: '', defaultTtl: 0 },
      { name: 'a', description: 'x'.repeat(1025), paramsSchema: { type: 'number?' }, resultSchema: { minimum: 'a' } },
      { name: 'a', defaultTtl: 86_401 },
      { name: 'b\u0000' },
    ]
    const wrong = await defineType(service, { name: 'a b', version: '', description: 'x\ud800', commands })
    expect(wrong.thingType).toBeNull()
    expect(codes(wrong)).toEqual([
      'INPUT_INVALID name',
      'INPUT_INVALID version',
      'INPUT_INVALID description',
      'INPUT_INVALID commands 0 name',
      'TTL_OUT_OF_RANGE commands 0 defaultTtl',
      'INPUT_INVALID commands 1 description',
      'SCHEMA_INVALID commands 1 paramsSchema',
      'SCHEMA_INVALID commands 1 resultSchema',
      'TTL_OUT_OF_RANGE commands 2 defaultTtl',
      'INPUT_INVALID commands 2 name',
      'INPUT_INVALID commands 3 name',
    ])
    const many = Array.from({ length: 201 }, (_, n) => ({ name: `c${n}` }))
    expect(codes(await defineType(service, { name: 'many', commands: many }))).toEqual(['INPUT_INVALID commands'])
    for (const name of ['', 'a/b', '#', 'a\n', 'é', 'a'.repeat(129)]) {
      expect(codes(await defineType(service, { name }))).toEqual(['INPUT_INVALID name'])
    }
  })

  const badSchemas: [string, Record<string, unknown>][] = [
    ['an unknown type', { type: 'thing' }],
    ['a keyword of the wrong type', { properties: [] }],
    ['a broken pattern', { properties: { a: { pattern: '(' } } }],
    ['a $ref to nowhere', { properties: { a: { $ref: '#/$defs/missing' } } }],
    ['a $ref to another server', { $ref: 'https://example.com/schema.json' }],
    ['a $ref to a file', { $ref: 'file:///etc/passwd' }],
    ['a $ref to itself', { $ref: '#' }],
    ['another dialect', { $schema: 'http://json-schema.org/draft-07/schema#' }],
    ['a promise for an answer', { $async: true, type: 'object', required: ['a'] }],
    ['a promise inside', { $defs: { a: { $async: true, type: 'object' } }, $ref: '#/$defs/a' }],
    ['a NUL in a name', { properties: { 'a\u0000': {} } }],
    ['a lone surrogate', { title: '\udc00' }],
    [
      '65 levels',
      Array(65)
        .fill('not')
        .reduce((inner: object, key: string) => ({ [key]: inner }), {}),
    ],
  ]

  it.each(badSchemas)('refuse a schema with %s', async (_name, paramsSchema) => {
    const { thingType, errors } = await defineType(service, {
      name: uniqueName('bad'),
      commands: [{ name: 'a', paramsSchema }],
    })
    expect(thingType).toBeNull()
    expect(errors).toMatchObject([{ code: 'SCHEMA_INVALID', path: ['commands', '0', 'paramsSchema'] }])
    expect(errors[0]?.message).not.toMatch(/\bat \S+:\d+|node_modules/)
  })

  it('check formats and refs, and ignore keywords that they do not know', async () => {
    const name = uniqueName('schemas')
    const paramsSchema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $defs: { node: { properties: { next: { $ref: '#/$defs/node' }, at: { format: 'date-time' } } } },
      $ref: '#/$defs/node',
      'x-unit': 'ms',
      properties: { color: { format: 'colour of ours' } },
      unevaluatedProperties: false,
    }
    // The same $id twice: each definition stands alone.
    const twin = (type: string) => ({ $id: 'https://example.com/twin', properties: { v: { type } } })
    const commands = [
      { name: 'a', paramsSchema },
      { name: 'b', paramsSchema: twin('string') },
      { name: 'c', paramsSchema: twin('number') },
    ]
    expect(codes(await defineType(service, { name, commands }))).toEqual([])
    const thingId = uniqueName('checked')
    await service.registerThing(thingId, { thingType: name })
    const send = async (action: string, params: Record<string, unknown>) =>
      codes(await service.send({ thingId, action, params }))
    expect(await send('a', { next: { next: { at: '2025-05-28T08:00:00Z' } }, color: 'teal' })).toEqual([])
    expect(await send('a', { next: { next: { at: 'noon' } } })).toEqual(['PARAMS_INVALID params next next at'])
    expect(await send('a', { extra: 1 })).toEqual(['PARAMS_INVALID params extra'])
    expect(await send('b', { v: 1 })).toEqual(['PARAMS_INVALID params v'])
    expect(await send('c', { v: 1 })).toEqual([])
  })

  it('are listed by name, page by page', async () => {
    const mark = uniqueName('zz')
    for (let n = 0; n < 5; n++) await defineType(service, { name: `${mark}-${n}` })
    const page = async (args: string) => {
      const { thingTypes } = await service.query<{
        thingTypes: { edges: { cursor: string; node: { name: string } }[]; pageInfo: { hasNextPage: boolean } }
      }>(`{ thingTypes(${args}) { edges { cursor node { name } } pageInfo { hasNextPage } } }`)
      return thingTypes
    }
    const last = await page('last: 5')
    expect(last.edges.map(({ node }) => node.name)).toEqual([0, 1, 2, 3, 4].map((n) => `${mark}-${n}`))
    const [first, second, third] = last.edges
    const middle = await page(`first: 10, after: "${first?.cursor}", before: "${third?.cursor}"`)
    expect(middle.edges).toEqual([second])
    expect((await page(`first: 2, after: "${first?.cursor}"`)).pageInfo).toEqual({ hasNextPage: true })
  })

  const find = async (name: string): Promise<ThingTypeData | null> =>
    (
      await service.query<{ thingType: ThingTypeData | null }>(
        `query ($name: ID!) { thingType(name: $name) {
          name version description commands { name description paramsSchema resultSchema defaultTtl }
        } }`,
        { name },
      )
    ).thingType
})
