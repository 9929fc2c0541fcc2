/** Pages of executions, forward and backward, while new ones arrive. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Execution } from '../../src/domain/execution.ts'
import { type Backend, createBackend } from '../support/backend.ts'
import { seedExecutions } from '../support/executions.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { withStore } from '../support/store.ts'

interface Page {
  edges: { cursor: string; node: { id: string } }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
}

interface PageArguments {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
}

describe('pages of executions', () => {
  let backend: Backend
  let service: Service
  let rows: Execution[]
  const thingId = uniqueName('paged')

  beforeAll(async () => {
    backend = await createBackend()
    const start = Date.parse('2025-05-28T08:00:00.000Z')
    // Several at each millisecond: the id alone has to tell them apart.
    const seeds = Array.from({ length: 130 }, (_, n) => ({
      thingId,
      createdAt: new Date(start + Math.floor(n / 7)).toISOString(),
    }))
    rows = await withStore(backend, (store) => seedExecutions(store, seeds))
    service = await startService({ backend })
    await service.registerThing(thingId)
  })

  afterAll(async () => {
    await service?.stop()
    await backend.dispose()
  })

  it('has every row once on the way forward, and none of those that arrive meanwhile', async () => {
    const { seen, sizes } = await walk({ first: 17 }, ({ pageInfo }) =>
      pageInfo.hasNextPage ? { first: 17, after: pageInfo.endCursor } : undefined,
    )
    expect(seen).toEqual(rows.map(({ id }) => id))
    expect(sizes).toEqual([17, 17, 17, 17, 17, 17, 17, 11])
  })

  it('has every row once on the way backward, and those that arrived last', async () => {
    const { seen } = await walk({ last: 17 }, ({ pageInfo }) =>
      pageInfo.hasPreviousPage ? { last: 17, before: pageInfo.startCursor } : undefined,
    )
    const all = await collect({ first: 100 })
    // All but the one that arrived after the last page.
    expect([...seen].sort().reverse()).toEqual(all.slice(1))
  })

  it('tells what is in front of a page and behind it', async () => {
    const ids = await collect({ first: 100 })
    const first = await page({ first: 2 })
    expect(flags(first)).toEqual({ hasNextPage: true, hasPreviousPage: false })
    expect(first.pageInfo).toMatchObject({ startCursor: first.edges[0]?.cursor, endCursor: first.edges[1]?.cursor })
    const second = await page({ first: 2, after: first.pageInfo.endCursor })
    expect(flags(second)).toEqual({ hasNextPage: true, hasPreviousPage: true })
    expect(idsOf(second)).toEqual(ids.slice(2, 4))
    const last = await page({ last: 2 })
    expect(flags(last)).toEqual({ hasNextPage: false, hasPreviousPage: true })
    expect(idsOf(last)).toEqual(ids.slice(-2))
    const back = await page({ last: 100, before: second.edges[0]?.cursor ?? null })
    expect(flags(back)).toEqual({ hasNextPage: true, hasPreviousPage: false })
    expect(idsOf(back)).toEqual(ids.slice(0, 2))
    const between = await page({
      first: 100,
      after: first.edges[0]?.cursor ?? null,
      before: second.edges[1]?.cursor ?? null,
    })
    expect(idsOf(between)).toEqual(ids.slice(1, 3))
    expect(idsOf(await page({ before: last.pageInfo.startCursor }))).toEqual(ids.slice(-22, -2))
  })

  it('has 20 rows where no size is given, 100 at most, and may have none', async () => {
    expect((await page({})).edges).toHaveLength(20)
    expect((await page({ first: null, last: null, after: null, before: null })).edges).toHaveLength(20)
    expect((await page({ first: 100 })).edges).toHaveLength(100)
    for (const size of [{ first: 0 }, { last: 0 }]) {
      expect((await page(size)).edges).toEqual([])
    }
    const { edges, pageInfo } = await page({ first: 10 }, { thingId: 'nobody' })
    expect({ edges, pageInfo }).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    })
  })

  it('has the same cursor for the same row, always', async () => {
    const forward = await page({ first: 3 })
    expect((await page({ first: 3 })).edges).toEqual(forward.edges)
    const [one, two, three] = forward.edges
    expect((await page({ last: 2, before: three?.cursor ?? null })).edges).toEqual([one, two])
    expect((await page({ first: 1, after: one?.cursor ?? null }, { thingId, action: 'reboot' })).edges).toEqual([two])
  })

  it('refuses sizes and cursors that are none, and says which', async () => {
    const ofThings = (
      await service.query<{ things: { pageInfo: { endCursor: string } } }>('{ things { pageInfo { endCursor } } }')
    ).things.pageInfo.endCursor
    const bad: [string, PageArguments][] = [
      ['first', { first: 101 }],
      ['first', { first: -1 }],
      ['last', { last: 101 }],
      ['last', { last: -1 }],
      ['after', { after: 'xyz' }],
      ['after', { after: '' }],
      ['after', { after: ofThings }],
      ['before', { before: ofThings }],
      ['before', { before: Buffer.from('execution:1').toString('base64url') }],
      ['after', { after: '\u0000' }],
      ['after', { after: rows[0]?.id ?? '' }],
      ['last', { first: 1, last: 1 }],
    ]
    for (const [argument, args] of bad) {
      const { data, errors } = await request(args)
      expect({ args, data, errors }).toEqual({
        args,
        data: null,
        errors: [expect.objectContaining({ path: ['executions'], extensions: { code: 'BAD_USER_INPUT' } })],
      })
      expect(errors?.[0]?.message).toContain(argument)
    }
  })

  const flags = ({ pageInfo: { hasNextPage, hasPreviousPage } }: Page) => ({ hasNextPage, hasPreviousPage })
  const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id)

  /** Goes from page to page, and sends a command after each. */
  async function walk(start: PageArguments, next: (page: Page) => PageArguments | undefined) {
    const seen: string[] = []
    const sizes: number[] = []
    for (let args: PageArguments | undefined = start; args; ) {
      const found = await page(args)
      seen.push(...idsOf(found))
      sizes.push(found.edges.length)
      await service.send({ thingId, ttl: 600 })
      args = next(found)
    }
    return { seen, sizes }
  }

  async function collect(args: PageArguments): Promise<string[]> {
    const found = await page(args)
    if (!found.pageInfo.hasNextPage) return idsOf(found)
    return [...idsOf(found), ...(await collect({ ...args, after: found.pageInfo.endCursor }))]
  }

  const request = (args: PageArguments, filter: unknown = { thingId }) =>
    service.request<{ executions: Page }>(
      `query ($filter: ExecutionFilter, $first: Int, $after: String, $last: Int, $before: String) {
        executions(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
          edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
      }`,
      { filter, ...args },
    )

  async function page(args: PageArguments, filter?: unknown): Promise<Page> {
    const { data, errors } = await request(args, filter)
    if (!data) throw new Error(JSON.stringify(errors))
    return data.executions
  }
})
