/** The GraphQL door over HTTP: what the specification asks for, what is refused, and where the limits are. */
import { serverAudits } from 'graphql-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { REPLICAS, type Service, startService } from '../support/service.ts'

describe('GraphQL over HTTP', () => {
  let service: Service
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    service = await startService()
    await service.registerThing(thingId)
  })

  afterAll(() => service.stop())

  for (const audit of serverAudits({ url: () => `${service.url}/graphql`, fetchFn: fetch })) {
    it(`${audit.name} (${audit.id})`, async () => {
      const result = await audit.fn()
      // A notice is about a MAY: what is asked for there is a choice.
      expect(result.status === 'notice' || result.status === 'ok' ? 'fine' : result).toBe('fine')
    })
  }

  const send = `mutation { sendCommand(input: { thingId: "${thingId}", action: "x" }) { execution { id } } }`

  it('takes no mutation that another page could send: no form, no text, no GET', async () => {
    const json = JSON.stringify({ query: send })
    const form = new FormData()
    form.set('operations', json)
    form.set('map', '{}')
    const requests: [RequestInit, number][] = [
      [{ body: json, headers: { 'content-type': 'text/plain' } }, 415],
      [{ body: json, headers: { 'content-type': 'text/plain;application/json' } }, 415],
      [{ body: send, headers: { 'content-type': 'application/graphql' } }, 415],
      [{ body: new URLSearchParams({ query: send }) }, 415],
      [{ body: form }, 415],
      [{ body: new Blob([json]) }, 415],
    ]
    for (const [init, expected] of requests) {
      const response = await fetch(`${service.url}/graphql`, { method: 'POST', ...init })
      expect({ init, status: response.status }).toEqual({ init, status: expected })
      expect(await response.json()).toEqual({ errors: [expect.objectContaining({ message: expect.any(String) })] })
    }
    for (const accept of ['application/json', 'text/event-stream', '*/*']) {
      const response = await fetch(`${service.url}/graphql?query=${encodeURIComponent(send)}`, { headers: { accept } })
      expect({ accept, status: response.status }).toEqual({ accept, status: 405 })
      await response.body?.cancel()
    }
    expect(await sent()).toEqual([])
  })

  it('reads documents that differ in their literals each with its own, and refuses them in their own words', async () => {
    const other = uniqueName('thing')
    await service.registerThing(other)
    const post = async (ttl: number, value: string, { name = 'Literal', operationName = 'Literal' } = {}) => {
      const query = `mutation ${name} { sendCommand(input: { thingId: "${other}", action: "x", params: { value: ${JSON.stringify(value)} }, ttl: ${ttl} }) { ${name}: execution { ttl params } errors { code } } }`
      const headers = { 'content-type': 'application/json' }
      const init = { method: 'POST', headers, body: JSON.stringify({ query, operationName }) }
      const response = await fetch(`${service.url}/graphql`, init)
      return (await response.json()) as { data?: unknown; errors?: { message: string; extensions: unknown }[] }
    }
    const sentTtls = [31, 32, 33, 34]
    for (const ttl of sentTtls) {
      const value = `"${ttl}" { # \\n`
      const Literal = { ttl, params: { value } }
      expect(await post(ttl, value)).toEqual({ data: { sendCommand: { Literal, errors: [] } } })
    }
    const { errors } = await post(3_000_000_000, 'e')
    expect(errors).toMatchObject([{ message: expect.stringContaining('Int cannot represent') }])
    const first = await post(3_000_000_000, 'e', { name: 'First', operationName: 'First' })
    expect(errors?.map(({ message, extensions }) => ({ message, extensions }))).toEqual(
      first.errors?.map(({ message, extensions }) => ({ message, extensions })),
    )
    expect(await post(35, 'f', { operationName: 'Other' })).toMatchObject({
      errors: [{ message: expect.stringContaining('peration') }],
    })
    const { executions } = await service.query<{ executions: { nodes: { ttl: number }[] } }>(
      'query ($thingId: [ID!]) { executions(filter: { thingId: $thingId }) { nodes { ttl } } }',
      { thingId: [other] },
    )
    expect(executions.nodes.map(({ ttl }) => ttl)).toEqual(sentTtls.toReversed())
  })

  it('tells other origins nothing', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    for (const method of ['OPTIONS', 'GET']) {
      const response = await fetch(`${service.url}/graphql?query={__typename}`, { method, headers })
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
      await response.body?.cancel()
    }
  })

  it.each([
    '*/*',
    'application/json',
    'application/json, application/graphql-response+json',
    'application/json, text/plain, */*',
    'application/graphql-response+json, application/json',
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
    'application/json; charset=utf-8',
    'application/json;q=0.5, application/graphql-response+json',
    'text/event-stream, application/json',
    'application/xml, application/json',
  ])('answers a POST as it answers a GET where %s is accepted', async (accept) => {
    const query = '{ things(first: 1) { nodes { id } } }'
    const answers = [
      await fetch(`${service.url}/graphql?query=${encodeURIComponent(query)}`, { headers: { accept } }),
      await fetch(`${service.url}/graphql`, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      }),
    ]
    const [get, post] = await Promise.all(
      answers.map(async (answer) => ({
        status: answer.status,
        contentType: answer.headers.get('content-type'),
        body: await answer.text(),
      })),
    )
    expect(post).toEqual(get)
  })

  // By the door itself: a balancer answers a body that is too big in its own way.
  it.skipIf(REPLICAS > 1)('takes a body of 256 KB and no more, whether or not its length is told', async () => {
    const bodyOf = (bytes: number) => {
      const text = JSON.stringify({ query: '{ __typename }', variables: { pad: '' } })
      return text.replace('""', `"${'x'.repeat(bytes - text.length)}"`)
    }
    const post = async (body: BodyInit) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' as const }
      const response = await fetch(`${service.url}/graphql`, init)
      return { status: response.status, body: await response.json() }
    }
    for (const wrap of [(text: string) => text, (text: string) => new Blob([text]).stream()]) {
      expect(await post(wrap(bodyOf(256 * 1024)))).toMatchObject({ status: 200, body: { data: {} } })
      const refused = { status: 413, body: { errors: [{ message: expect.stringContaining('262144') }] } }
      expect(await post(wrap(bodyOf(256 * 1024 + 1)))).toMatchObject(refused)
      expect(await post(wrap(bodyOf(2 * 1024 * 1024)))).toMatchObject(refused)
    }
  })

  const deep = (levels: number): string => (levels === 0 ? 'name' : `type { ${deep(levels - 1)} }`)
  const many = (count: number, part: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => part(n)).join(' ')
  const limits: [string, string][] = [
    ['a document that is too deep', `{ things { nodes { ${deep(11)} } } }`],
    ['fragments that make it too deep', `{ things { nodes { ...F } } } fragment F on Thing { ${deep(11)} }`],
    ['fragments that go round', '{ things { nodes { ...F } } } fragment F on Thing { type { name } ...F }'],
    [
      'introspection that multiplies',
      `{ __schema { types { ${'fields { type { '.repeat(6)} name ${'} } '.repeat(6)} } } }`,
    ],
    ['too many tokens', `{ ${many(2_001, () => '__typename')} }`],
    ['too many aliases', `{ ${many(21, (n) => `a${n}: thing(id: "x") { id }`)} }`],
    ['too many aliases of __typename', `{ ${many(21, (n) => `a${n}: __typename`)} }`],
    ['too many directives', `{ __typename ${many(51, () => '@include(if: true)')} }`],
  ]

  it.each(limits)('refuses %s', async (_name, query) => {
    const { data, errors } = await service.request(query)
    expect(data).toBeUndefined()
    expect(errors?.[0]?.extensions?.code).toMatch(/^(GRAPHQL_(PARSE|VALIDATION)_FAILED|BAD_USER_INPUT)$/)
  })

  it('takes what is within the limits', async () => {
    const data = await service.query(`{ ${many(20, (n) => `a${n}: thing(id: "${thingId}") { id type { name } }`)} }`)
    expect(Object.keys(Object(data))).toHaveLength(20)
    await service.query(`{ executions(first: 100) { edges { cursor node { thing { type { commands { name paramsSchema } } }
      ignoredResponses { cause reason { code } } } } pageInfo { endCursor } } }`)
  })

  it('says of a bad document what is bad', async () => {
    const cases: [string, unknown, string, RegExp][] = [
      ['{ nothing }', {}, 'GRAPHQL_VALIDATION_FAILED', /nothing/],
      ['{', {}, 'GRAPHQL_PARSE_FAILED', /Syntax Error/],
      ['query A { __typename } query B { __typename }', {}, 'OPERATION_RESOLUTION_FAILURE', /operation/i],
      ['query ($id: ID!) { thing(id: $id) { id } }', {}, 'BAD_USER_INPUT', /\$id/],
      [
        'query ($at: DateTime!) { executions(filter: { createdAt: { from: $at } }) { nodes { id } } }',
        { at: 'noon' },
        'BAD_USER_INPUT',
        /noon/,
      ],
      ['query ($ttl: Int) { __typename @include(if: $ttl) }', {}, 'GRAPHQL_VALIDATION_FAILED', /Int/],
    ]
    for (const [query, variables, code, message] of cases) {
      const { data, errors } = await service.request(query, variables)
      expect({ query, data, code: errors?.[0]?.extensions?.code }).toEqual({ query, data: undefined, code })
      expect(errors?.[0]?.message).toMatch(message)
    }
  })

  async function sent(): Promise<unknown[]> {
    const query = `{ executions(filter: { thingId: "${thingId}" }) { nodes { id } } }`
    return (await service.query<{ executions: { nodes: unknown[] } }>(query)).executions.nodes
  }
})
