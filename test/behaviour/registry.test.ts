/** Things, as callers register, change, find and remove them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import {
  defineType,
  deleteType,
  deregisterThing,
  registerThing,
  type ThingData,
  updateThing,
} from '../support/registry.ts'
import { type Service, startService } from '../support/service.ts'

const HOSTILE_IDS = [
  '',
  'a/b',
  '+',
  '#',
  'a+b',
  '$share/x/y',
  'a b',
  ' a',
  'a\n',
  '\n',
  'a\u0000',
  'é',
  '温度計',
  'a\u202eb',
  "a'; drop table things; --",
  'a'.repeat(129),
]

describe('the registry of things', () => {
  let service: Service
  const type = uniqueName('com.example.lamp')
  const codes = ({ errors }: { errors: { code: string; path: string[] }[] }) =>
    errors.map(({ code, path }) => [code, ...path].join(' '))

  beforeAll(async () => {
    service = await startService()
    await defineType(service, { name: type })
  })

  afterAll(() => service.stop())

  it('registers a thing with all that was given, and with defaults for what was not', async () => {
    const plain = uniqueName('lamp')
    const given = uniqueName('lamp')
    expect(await registerThing(service, { id: plain })).toMatchObject({
      errors: [],
      thing: { id: plain, clientId: plain, tags: [], type: null },
    })
    const clientId = `${given}/!~`
    const { thing } = await registerThing(service, { id: given, clientId, thingType: type, tags: ['b', 'a', 'b'] })
    expect(thing).toMatchObject({ id: given, clientId, tags: ['b', 'a'], type: { name: type, version: '1.0.0' } })
    expect(thing?.updatedAt).toBe(thing?.createdAt)
    expect(await find(given)).toEqual(thing)
  })

  it('takes every id of the contract', async () => {
    for (const id of ['a', 'A-Z_0.9:x', '.', '..', '-', '__proto__', 'a'.repeat(128)]) {
      expect((await registerThing(service, { id })).errors).toEqual([])
      expect(await find(id)).toMatchObject({ id })
    }
  })

  it('refuses every other id, and knows no thing of that name', async () => {
    for (const id of HOSTILE_IDS) {
      expect({ id, found: codes(await registerThing(service, { id })) }).toEqual({ id, found: ['INPUT_INVALID id'] })
      expect(codes(await updateThing(service, { id }))).toEqual(['THING_NOT_FOUND id'])
      expect(codes(await deregisterThing(service, id))).toEqual(['THING_NOT_FOUND id'])
      expect(await find(id)).toBeNull()
    }
  })

  it('names everything that is wrong with a thing at once', async () => {
    const input = { id: 'a b', clientId: 'a b', thingType: 'a b', tags: ['', 'x'.repeat(65), 'ok', 'y\u0000'] }
    expect(codes(await registerThing(service, input))).toEqual([
      'INPUT_INVALID id',
      'INPUT_INVALID clientId',
      'THING_TYPE_NOT_FOUND thingType',
      'INPUT_INVALID tags 0',
      'INPUT_INVALID tags 1',
      'INPUT_INVALID tags 3',
    ])
    const tags = Array.from({ length: 51 }, (_, n) => `tag-${n}`)
    expect(codes(await registerThing(service, { id: 'x', tags }))).toEqual(['INPUT_INVALID tags'])
  })

  it('keeps ids and clientIds apart', async () => {
    const [one, two, three] = [uniqueName('lamp'), uniqueName('lamp'), uniqueName('lamp')]
    await service.registerThing(one, { clientId: two })
    expect(codes(await registerThing(service, { id: one }))).toEqual(['THING_ALREADY_REGISTERED id'])
    expect(codes(await registerThing(service, { id: one, clientId: two }))).toEqual(['THING_ALREADY_REGISTERED id'])
    expect(codes(await registerThing(service, { id: two }))).toEqual(['CLIENT_ID_TAKEN clientId'])
    expect(codes(await registerThing(service, { id: three, clientId: two }))).toEqual(['CLIENT_ID_TAKEN clientId'])
    await service.registerThing(three)
    expect(codes(await updateThing(service, { id: three, clientId: two }))).toEqual(['CLIENT_ID_TAKEN clientId'])
    await deregisterThing(service, one)
    expect(codes(await updateThing(service, { id: three, clientId: two }))).toEqual([])
  })

  it('registers a thing once, whoever is first', async () => {
    const id = uniqueName('raced')
    const answers = await Promise.all(Array.from({ length: 20 }, () => registerThing(service, { id })))
    expect(answers.filter(({ thing }) => thing)).toHaveLength(1)
    expect(new Set(answers.flatMap(codes))).toEqual(new Set(['THING_ALREADY_REGISTERED id']))
  })

  it('changes what is given and keeps the rest', async () => {
    const id = uniqueName('lamp')
    const clientId = uniqueName('client')
    const { thing } = await registerThing(service, { id, clientId, thingType: type, tags: ['a'] })
    expect((await updateThing(service, { id })).thing).toMatchObject({ clientId, tags: ['a'], type: { name: type } })
    expect((await updateThing(service, { id, tags: [] })).thing).toMatchObject({ clientId, tags: [], type: {} })
    expect((await updateThing(service, { id, thingType: null })).thing).toMatchObject({ clientId, type: null })
    expect((await updateThing(service, { id, clientId: null, tags: null })).thing).toMatchObject({ clientId, tags: [] })
    const updated = await updateThing(service, { id, thingType: type })
    expect(updated.thing).toMatchObject({ createdAt: thing?.createdAt, type: { name: type } })
    expect(codes(await updateThing(service, { id, thingType: 'nowhere' }))).toEqual(['THING_TYPE_NOT_FOUND thingType'])
    expect(codes(await registerThing(service, { id: uniqueName('lamp'), thingType: 'nowhere' }))).toEqual([
      'THING_TYPE_NOT_FOUND thingType',
    ])
    expect(await find(id)).toEqual(updated.thing)
  })

  it('keeps the history of a thing that is gone, and of its namesake', async () => {
    const id = uniqueName('gone')
    await service.registerThing(id)
    const execution = (await service.send({ thingId: id, ttl: 600 })).execution
    expect((await deregisterThing(service, id)).thing).toMatchObject({ id })
    expect(await find(id)).toBeNull()
    const thingOf = async () =>
      (
        await service.query<{ execution: { thingId: string; status: string; thing: { id: string } | null } }>(
          'query ($id: ID!) { execution(id: $id) { thingId status thing { id } } }',
          { id: execution?.id },
        )
      ).execution
    expect(await thingOf()).toEqual({ thingId: id, status: 'SENT', thing: null })
    expect((await service.cancel(execution?.id ?? '')).errors).toEqual([])
    expect(codes(await deregisterThing(service, id))).toEqual(['THING_NOT_FOUND id'])
    await service.registerThing(id)
    expect(await thingOf()).toEqual({ thingId: id, status: 'CANCELED', thing: { id } })
  })

  it('finds things by the beginning of their ids, page by page in both directions, and whatever is typed', async () => {
    const mark = uniqueName('find')
    // In the order of a language "-" counts for nothing, and capitals stand beside their letters.
    const ids = ['-b', '-a', 'a', 'B', '_a', '.9', ':'].map((end) => `${mark}${end}`)
    for (const id of [...ids, mark.slice(0, -1), `x${mark}`]) await service.registerThing(id)
    const find = async (idPrefix: string, args = 'first: 100') => {
      const { things } = await service.query<{
        things: { nodes: { id: string }[]; pageInfo: { startCursor: string; endCursor: string } }
      }>(
        `query ($idPrefix: String) { things(filter: { idPrefix: $idPrefix }, ${args}) {
          nodes { id } pageInfo { startCursor endCursor } } }`,
        { idPrefix },
      )
      return { ...things.pageInfo, ids: things.nodes.map(({ id }) => id) }
    }
    const sorted = ids.toSorted()
    expect((await find(mark)).ids).toEqual(sorted)
    expect((await find(`${mark}-`)).ids).toEqual(sorted.slice(0, 2))
    const first = await find(mark, 'first: 3')
    const rest = await find(mark, `first: 9, after: "${first.endCursor}"`)
    expect([...first.ids, ...rest.ids]).toEqual(sorted)
    expect((await find(mark, `last: 2, before: "${rest.startCursor}"`)).ids).toEqual(sorted.slice(1, 3))
    expect((await find('', 'first: 1')).ids).toHaveLength(1)
    for (const typed of [`${mark}%`, '%', `${mark.slice(0, -1)}_`, `${mark} `, 'é', '\u0000', "'", 'a'.repeat(129)])
      expect((await find(typed)).ids).toEqual([])
  })

  it('lists things by id, page by page in both directions, and by each filter', async () => {
    const mark = uniqueName('mark')
    const other = uniqueName('com.example.other')
    await defineType(service, { name: other })
    const ids = Array.from({ length: 7 }, (_, n) => `${mark}-${n}`)
    for (const [n, id] of ids.entries()) {
      await service.registerThing(id, {
        tags: [mark, ...(n % 2 ? ['odd'] : [])],
        thingType: [type, other, null][n % 3],
      })
    }
    const page = async (args: string, filter: unknown = { tag: mark }) => {
      const { things } = await service.query<{
        things: {
          nodes: { id: string }[]
          pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string; startCursor: string }
        }
      }>(
        `query ($filter: ThingFilter) { things(filter: $filter, ${args}) {
          nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
        { filter },
      )
      return { ...things.pageInfo, numbers: things.nodes.map(({ id }) => ids.indexOf(id)) }
    }
    const first = await page('first: 3')
    expect(first).toMatchObject({ numbers: [0, 1, 2], hasNextPage: true, hasPreviousPage: false })
    const second = await page(`first: 3, after: "${first.endCursor}"`)
    expect(second).toMatchObject({ numbers: [3, 4, 5], hasNextPage: true, hasPreviousPage: true })
    const third = await page(`first: 3, after: "${second.endCursor}"`)
    expect(third).toMatchObject({ numbers: [6], hasNextPage: false, hasPreviousPage: true })
    const last = await page('last: 3')
    expect(last).toMatchObject({ numbers: [4, 5, 6], hasNextPage: false, hasPreviousPage: true })
    expect(await page(`last: 9, before: "${last.startCursor}"`)).toMatchObject({ numbers: [0, 1, 2, 3] })

    const all = 'first: 100'
    expect((await page(all, { tag: [mark], thingType: type })).numbers).toEqual([0, 3, 6])
    expect((await page(all, { tag: mark, thingType: [type, other] })).numbers).toEqual([0, 1, 3, 4, 6])
    expect((await page(all, { id: ids.slice(0, 4), thingType: other })).numbers).toEqual([1])
    expect((await page(all, { id: [...ids, 'a b', ''], tag: ['odd', 'none'] })).numbers).toEqual([1, 3, 5])
    for (const nothing of [{ id: [] }, { tag: [] }, { thingType: [] }, { tag: '\u0000' }, { id: '\u0000' }]) {
      expect((await page(all, nothing)).numbers).toEqual([])
    }
    expect(codes(await deleteType(service, other))).toEqual(['THING_TYPE_IN_USE name'])
  })

  const find = async (id: string): Promise<ThingData | null> =>
    (
      await service.query<{ thing: ThingData | null }>(
        'query ($id: ID!) { thing(id: $id) { id clientId tags createdAt updatedAt type { name version } } }',
        { id },
      )
    ).thing
})
