/** What attackers try at a GraphQL door, by the list of OWASP's GraphQL cheat sheet; authorisation has tests of its own. */
import { once } from 'node:events'
import { type GraphQLObjectType, getNamedType, isObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { schema } from '../../src/graphql/schema.ts'
import { uniqueName } from '../support/names.ts'
import { ask, openAndSay, post, readToEnd } from '../support/raw-http.ts'
import { type Service, startService } from '../support/service.ts'

/** The slowest test waits for a timeout of 30 s, which runs while the others are tested. */
const SLOW_MS = 60_000

describe('the GraphQL door', () => {
  let service: Service
  let slow: { headers: Promise<string>; body: Promise<string> }
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    service = await startService()
    // By the service itself, and not by a balancer.
    const [url = ''] = service.urls
    const head = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
    slow = {
      headers: readToEnd(await openAndSay(url, head)),
      body: readToEnd(await openAndSay(url, `${head}Content-Length: 1000\r\n\r\n{"query":`)),
    }
    await service.registerThing(thingId)
  })

  afterAll(() => service.stop())

  const send = `sendCommand(input: { thingId: "${thingId}", action: "x" }) { execution { id } errors { code } }`
  const many = (count: number, part: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => part(n)).join(' ')

  async function sentCount(): Promise<number> {
    const { executions } = await service.query<{ executions: { nodes: unknown[] } }>(
      'query ($thingId: [ID!]) { executions(filter: { thingId: $thingId }, first: 100) { nodes { id } } }',
      { thingId: [thingId] },
    )
    return executions.nodes.length
  }

  /** Refused over HTTP, by the short way and by Yoga's, and with this code. */
  async function expectRefusal(query: string, code: string): Promise<void> {
    for (const accept of ['application/json', 'text/event-stream', 'application/graphql-response+json']) {
      const { text } = await post(service.url, { query }, { accept })
      expect({ accept, text }).toEqual({ accept, text: expect.stringContaining(`"${code}"`) })
      expect(text).not.toContain('"data":{')
    }
  }

  it('batching attack: takes no list of operations', async () => {
    const operation = { query: `mutation { ${send} }` }
    for (const batch of [[operation], [operation, operation], Array.from({ length: 1_000 }, () => operation)]) {
      const { status, text } = await post(service.url, batch)
      expect({ status, text }).toEqual({ status: 400, text: expect.stringMatching(/batch/i) })
    }
    expect(await sentCount()).toBe(0)
  })

  it.each([
    ['aliases', `mutation { ${many(11, (n) => `s${n}: ${send}`)} }`],
    [
      'a fragment that is used twice',
      `mutation { ...F ...F } fragment F on Mutation { ${many(6, (n) => `s${n}: ${send}`)} }`,
    ],
    ['inline fragments', `mutation { ${many(11, (n) => `... on Mutation { s${n}: ${send} }`)} }`],
    [
      'fragments in fragments',
      `mutation { ...F s: ${send} } fragment F on Mutation { ...G ...G } fragment G on Mutation { ${many(5, (n) => `s${n}: ${send}`)} }`,
    ],
  ])('batching attack: one document sends ten commands and no more, by %s', async (_name, query) => {
    await expectRefusal(query, 'TOO_MANY_MUTATIONS')
    expect(await sentCount()).toBe(0)
  })

  it('batching attack: ten commands of one document are taken', async () => {
    const other = uniqueName('thing')
    await service.registerThing(other)
    const data = await service.query(
      `mutation { ${many(10, (n) => `s${n}: ${send.replace(thingId, other)}`)} __typename }`,
    )
    expect(Object.keys(Object(data))).toHaveLength(11)
  })

  it('denial of service: refuses what is deep, and what goes round', async () => {
    const deep = (levels: number): string => (levels === 0 ? 'name' : `type { ${deep(levels - 1)} }`)
    for (const query of [
      `{ things { nodes { ${deep(12)} } } }`,
      '{ things { nodes { ...A } } } fragment A on Thing { id ...B } fragment B on Thing { id ...A }',
      `{ __schema { types { ${'fields { type { '.repeat(6)} name ${'} } '.repeat(6)} } } }`,
    ]) {
      const { data, errors } = await service.request(query)
      expect({ query, data, errors }).toEqual({ query, data: undefined, errors: expect.any(Array) })
    }
  })

  it.each([
    ['a flood of aliases', many(101, (n) => `a${n}: __typename`)],
    ['a flood of directives', `__typename ${many(100, () => '@skip(if: false)')}`],
    ['10,000 tokens', many(10_000, () => '__typename')],
    ['a field over and over', many(500, () => '__typename')],
    ['fields over and over, below each other', many(8, () => `things { ${many(8, () => 'nodes { id }')} }`)],
    ['fragments over and over', many(60, () => '... on Query { __typename }')],
  ])('denial of service: refuses %s', async (_name, selection) => {
    const { data, errors } = await service.request(`{ ${selection} }`)
    expect({ data, errors }).toEqual({ data: undefined, errors: expect.any(Array) })
  })

  it('denial of service: answers at once where fields are repeated as often as tokens allow', async () => {
    const query = `{ executions { nodes { ${many(150, () => 'thing { type { name } }')} } } }`
    await expectRefusal(query, 'DOCUMENT_TOO_COSTLY')
  })

  it('amount: pages have 100 at most', async () => {
    for (const argument of ['first: 101', 'last: 101', 'first: -1']) {
      const { data, errors } = await service.request(`{ executions(${argument}) { nodes { id } } }`)
      expect({ data, code: errors?.[0]?.extensions?.code }).toEqual({ data: null, code: 'BAD_USER_INPUT' })
    }
  })

  /** Every field, and every field of what is in it. */
  function allFields(type: GraphQLObjectType, above: readonly string[] = []): string {
    const fields = Object.values(type.getFields()).map((field) => {
      const below = getNamedType(field.type)
      if (!isObjectType(below)) return field.name
      return above.includes(below.name) ? '' : `${field.name} { ${allFields(below, [...above, below.name])} }`
    })
    return fields.join(' ')
  }
  const execution = allFields(schema.getType('Execution') as GraphQLObjectType)
  const page = `{ nodes { ${execution} } edges { cursor node { ${execution} } } pageInfo { endCursor } }`

  it('cost: a full page with every field passes, as a literal and as a variable', async () => {
    for (let n = 0; n < 3; n++) {
      await service.query(`{ executions(first: 100) ${page} }`)
      await service.query(`query ($first: Int) { executions(first: $first) ${page} }`, { first: 100 })
    }
  })

  it('cost: several of them in one document do not, whatever size they say, and however often it is tried', async () => {
    for (const first of ['1', '2', '100']) {
      const query = `{ a: executions(first: ${first}) ${page} b: executions(first: ${first}) ${page} }`
      await expectRefusal(query, 'DOCUMENT_TOO_COSTLY')
    }
    const query = `query ($first: Int) { ${many(20, (n) => `a${n}: executions(first: $first) { nodes { id action status ttl params result createdAt updatedAt expiresAt settledAt } }`)} }`
    for (let n = 0; n < 3; n++) {
      const { data, errors } = await service.request(query, { first: 100 })
      expect(data).toBeUndefined()
      expect(errors?.[0]?.extensions?.code).toBe('DOCUMENT_TOO_COSTLY')
    }
  })

  it('timeouts: closes a connection whose request does not come to its end', { timeout: SLOW_MS }, async () => {
    expect(await slow.headers).toMatch(/^HTTP\/1.1 408 /)
    expect(await slow.body).toMatch(/^HTTP\/1.1 408 /)
  })

  const INJECTIONS = [
    "' or '1'='1",
    "'; drop table things; --",
    '") or 1=1 --',
    '%',
    '_',
    '\\',
    '$1',
    '{"$ne":null}',
    '*',
    "' union select null --",
    '\u2019 or 1=1',
  ]

  it('injection: a filter is a value, and nothing else', async () => {
    for (const value of INJECTIONS) {
      const answer = await service.query(
        `query ($ids: [ID!], $texts: [String!]) {
          executions(filter: { thingId: $ids, action: $texts, commandId: $ids }) { nodes { id } }
          byThing: executions(filter: { thingId: $ids }) { nodes { id } }
          byAction: executions(filter: { action: $texts }) { nodes { id } }
          things(filter: { id: $ids, thingType: $ids, tag: $texts }) { nodes { id } }
          byId: things(filter: { id: $ids }) { nodes { id } }
          byTag: things(filter: { tag: $texts }) { nodes { id } }
        }`,
        { ids: [value], texts: [value] },
      )
      const none = { nodes: [] }
      expect({ value, answer }).toEqual({
        value,
        answer: { executions: none, byThing: none, byAction: none, things: none, byId: none, byTag: none },
      })
    }
    expect(await service.query(`{ thing(id: "${thingId}") { id } }`)).toEqual({ thing: { id: thingId } })
  })

  it('injection: a name that is stored comes back as it was', async () => {
    const tags = INJECTIONS
    const id = uniqueName('thing')
    await service.registerThing(id, { tags })
    const found = await service.query(
      'query ($tag: [String!]) { things(filter: { tag: $tag }) { nodes { id tags } } }',
      {
        tag: ["'; drop table things; --"],
      },
    )
    expect(found).toEqual({ things: { nodes: [{ id, tags }] } })
  })

  it('CSRF: no mutation by GET, form, multipart or text', async () => {
    const query = `mutation { ${send} }`
    const params = JSON.stringify({ query })
    const search = new URLSearchParams({ query })
    const multipart = `--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${params}\r\n--b--\r\n`
    const bodies: [string, string, number][] = [
      ['application/x-www-form-urlencoded', String(search), 415],
      ['multipart/form-data; boundary=b', multipart, 415],
      ['text/plain', params, 415],
    ]
    for (const [type, body, expected] of bodies) {
      const headers = { 'content-type': type }
      const { status } = await ask(`${service.url}/graphql`, { method: 'POST', headers, body })
      expect({ type, status }).toEqual({ type, status: expected })
    }
    expect((await ask(`${service.url}/graphql?${search}`)).status).toBe(405)
    expect(await sentCount()).toBe(0)
  })

  it('cross-site WebSocket hijacking: no socket for a page of another origin', async () => {
    for (const path of ['/graphql', '/mqtt']) {
      const url = `${service.url.replace('http', 'ws')}${path}`
      const protocol = path === '/mqtt' ? 'mqtt' : 'graphql-transport-ws'
      const socket = new WebSocket(url, protocol, { headers: { origin: 'https://evil.example' } })
      socket.on('error', () => {})
      const [, response] = await once(socket, 'unexpected-response')
      // Where the broker is elsewhere there is no /mqtt.
      expect([403, ...(path === '/mqtt' ? [404] : [])]).toContain(response.statusCode)
      response.destroy()
    }
  })

  it('errors: what breaks inside stays inside', async () => {
    for (const params of [
      { query: '{ thing(id: "\\u0000") { id } }' },
      { query: '{ execution(id: "not a uuid") { id } }' },
      { query: '{ executions(after: "AAAA") { nodes { id } } }' },
      { query: 'query ($f: ExecutionFilter) { executions(filter: $f) { nodes { id } } }', variables: { f: 'x' } },
      { query: `mutation { sendCommand(input: { thingId: "${thingId}", action: "\\u0000" }) { errors { code } } }` },
    ]) {
      const { status, text } = await post(service.url, params)
      expect([200, 400]).toContain(status)
      expect(text).not.toMatch(/INTERNAL_SERVER_ERROR|node_modules|\bat .*:\d+|select |insert |stack/i)
    }
  })
})

describe('a door that explains nothing (GRAPHIQL=off)', () => {
  let service: Service

  beforeAll(async () => {
    service = await startService({ graphiql: false })
  })

  afterAll(() => service.stop())

  const INTROSPECTIONS = [
    '{ __schema { types { name } } }',
    '{ __type(name: "Thing") { fields { name } } }',
    'query Q { things(first: 1) { nodes { id } } ...F } fragment F on Query { __schema { queryType { name } } }',
    '{ a: __type(name: "Mutation") { name } }',
  ]

  it('has no GraphiQL', async () => {
    for (const path of ['/graphql', '/graphql?query={__typename}']) {
      const { status, text, headers } = await ask(`${service.url}${path}`, { headers: { accept: 'text/html' } })
      expect({ path, status }).toEqual({ path, status: 404 })
      expect(headers['content-type']).toMatch(/^text\/plain/)
      expect(text.length).toBeLessThan(200)
    }
  })

  it('has no introspection, by whatever way and however often it is asked', async () => {
    for (const query of INTROSPECTIONS) {
      for (const accept of ['application/json', 'application/json', 'application/json', 'text/event-stream']) {
        const { text } = await post(service.url, { query }, { accept })
        expect({ query, accept, text }).toEqual({
          query,
          accept,
          text: expect.stringContaining('INTROSPECTION_DISABLED'),
        })
        expect(text).not.toContain('"data":{')
      }
      const { text } = await ask(`${service.url}/graphql?query=${encodeURIComponent(query)}`)
      expect(text).toContain('INTROSPECTION_DISABLED')
      const overSocket = service.webSocket()
      const refused = overSocket.iterate({ query }).next()
      await expect(refused).rejects.toEqual([
        expect.objectContaining({ extensions: { code: 'INTROSPECTION_DISABLED' } }),
      ])
      await overSocket.dispose()
    }
  })

  it('tells __typename, which says nothing new', async () => {
    const query = '{ __typename things { __typename } }'
    expect(await service.query(query)).toEqual({ __typename: 'Query', things: { __typename: 'ThingConnection' } })
  })

  it('suggests nothing to who guesses', async () => {
    const guesses: [string, unknown?][] = [
      ['{ thingz { nodes { id } } }'],
      ['{ things { nodes { idd } } }'],
      ['{ things(firs: 1) { nodes { id } } }'],
      ['{ executions(filter: { thingIdd: "x" }) { nodes { id } } }'],
      ['{ executions(filter: { status: SEN }) { nodes { id } } }'],
      ['query ($f: ExecutionFilte) { executions(filter: $f) { nodes { id } } }'],
      ['query ($s: [ExecutionStatus!]) { executions(filter: { status: $s }) { nodes { id } } }', { s: ['SEN'] }],
      ['query ($f: ExecutionFilter) { executions(filter: $f) { nodes { id } } }', { f: { thingIdd: 'x' } }],
      ['subscription ($f: ExecutionFilter) { executionUpdated(filter: $f) { id } }', { f: { thingIdd: 'x' } }],
    ]
    for (const [query, variables] of guesses) {
      for (const accept of ['application/json', 'application/json', 'text/event-stream']) {
        const { text } = await post(service.url, { query, variables }, { accept })
        expect({ query, text }).toEqual({ query, text: expect.stringContaining('"errors"') })
        expect({ query, text }).toEqual({ query, text: expect.not.stringMatching(/did you mean/i) })
      }
    }
  })
})

describe('a door on loopback', () => {
  let service: Service

  beforeAll(async () => {
    service = await startService()
  })

  afterAll(() => service.stop())

  it('explains itself to whoever develops on it', async () => {
    expect(await service.query('{ __type(name: "Thing") { name } }')).toEqual({ __type: { name: 'Thing' } })
    const { errors } = await service.request('{ thingz { nodes { id } } }')
    expect(errors?.[0]?.message).toMatch(/Did you mean .*"things"/)
    const { status, text } = await ask(`${service.url}/graphql`, { headers: { accept: 'text/html' } })
    expect(status).toBe(200)
    expect(text).toMatch(/GraphiQL/)
  })
})
