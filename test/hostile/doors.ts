/** Ways to send it, as text that the service has to read. */
import { connect } from 'node:net'
import fc from 'fast-check'
import WebSocket from 'ws'
import { garbage, json, jsonSchema, text } from './inputs.ts'

/** What came back: the status of HTTP, 0 where the connection just ended, and all that was said. */
export interface Reply {
  status: number
  said: string
}

export interface Shot {
  /** For the report of a failure. */
  what: string
  fire(url: string): Promise<Reply>
}

const JSON_TYPE = { 'content-type': 'application/json' }

async function http(url: string, init: RequestInit): Promise<Reply> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(25_000) })
  return { status: response.status, said: await response.text() }
}

/** One variable of a document, given as JSON text; the others as they should be. */
const DOCUMENTS: [document: string, variables: (value: string) => string, value: fc.Arbitrary<string>][] = [
  ...['thingId', 'action', 'params', 'ttl', 'idempotencyKey', 'delivery', 'wait', 'nonsense'].map(
    (field): (typeof DOCUMENTS)[number] => [
      'mutation ($v: SendCommandInput!) { sendCommand(input: $v) { execution { id params } errors { code message path } } }',
      (value) => `{"v":{"thingId":"fuzzed","action":"go","ttl":5,"${field}":${value}}}`,
      json,
    ],
  ),
  ...['thingId', 'action', 'status', 'commandId', 'createdAt'].map((field): (typeof DOCUMENTS)[number] => [
    'query ($v: ExecutionFilter) { executions(filter: $v, first: 2) { nodes { id thing { id } } } }',
    (value) => `{"v":{"${field}":${value}}}`,
    json,
  ]),
  ...['first: $v, last: 1', 'first: $v', 'last: $v'].map((args): (typeof DOCUMENTS)[number] => [
    `query ($v: Int) { executions(${args}) { nodes { id } } things(${args}) { nodes { id } } }`,
    (value) => `{"v":${value}}`,
    json,
  ]),
  ...['executions', 'things', 'thingTypes', 'apiKeys', 'auditEvents'].map((field): (typeof DOCUMENTS)[number] => [
    `query ($v: String) { ${field}(first: 1, after: $v) { pageInfo { endCursor } } }`,
    (value) => `{"v":${value}}`,
    fc.oneof(
      json,
      text.map((key) => JSON.stringify(Buffer.from(`execution:${key}`).toString('base64url'))),
    ),
  ]),
  ...['id', 'clientId', 'thingType', 'tags'].map((field): (typeof DOCUMENTS)[number] => [
    'mutation ($v: RegisterThingInput!) { registerThing(input: $v) { thing { id tags } errors { code message path } } }',
    (value) => `{"v":{"id":"fuzzed","${field}":${value}}}`,
    json,
  ]),
  ...['name', 'version', 'description', 'commands'].map((field): (typeof DOCUMENTS)[number] => [
    'mutation ($v: DefineThingTypeInput!) { defineThingType(input: $v) { thingType { name } errors { code message path } } }',
    (value) => `{"v":{"name":"fuzzed","${field}":${value}}}`,
    json,
  ]),
  [
    'mutation ($v: DefineThingTypeInput!) { defineThingType(input: $v) { thingType { name } errors { code message path } } }',
    (value) => `{"v":{"name":"fuzzed.schema","commands":[{"name":"go","paramsSchema":${value}}]}}`,
    jsonSchema,
  ],
  [
    'mutation ($v: ID!) { cancelExecution(id: $v) { execution { id } errors { code message path } } }',
    (value) => `{"v":${value}}`,
    json,
  ],
  [
    'query ($v: ID!) { execution(id: $v) { id } thing(id: $v) { id } thingType(name: $v) { name } }',
    (value) => `{"v":${value}}`,
    json,
  ],
]

const overGraphql: fc.Arbitrary<Shot> = fc.constantFrom(...DOCUMENTS).chain(([query, variables, values]) =>
  values.map((value) => {
    const body = `{"query":${JSON.stringify(query)},"variables":${variables(value)}}`
    return {
      what: `GraphQL ${body}`,
      fire: (url) => http(`${url}/graphql`, { method: 'POST', headers: JSON_TYPE, body }),
    }
  }),
)

const body = fc.oneof(
  json,
  garbage,
  json.map((query) => `{"query":${query}}`),
  garbage.map((query) => JSON.stringify({ query })),
)

const graphqlBody: fc.Arbitrary<Shot> = body.map((sent) => ({
  what: `GraphQL body ${sent}`,
  fire: (url) => http(`${url}/graphql`, { method: 'POST', headers: JSON_TYPE, body: sent }),
}))

const restBody: fc.Arbitrary<Shot> = fc
  .oneof(
    garbage,
    json,
    fc
      .tuple(fc.constantFrom('thingId', 'action', 'params', 'ttl', 'delivery'), json)
      .map(([field, value]) => `{"thingId":"fuzzed","action":"go","ttl":5,"${field}":${value}}`),
  )
  .map((sent) => ({
    what: `REST body ${sent}`,
    fire: (url) => http(`${url}/api/v1/commands`, { method: 'POST', headers: JSON_TYPE, body: sent }),
  }))

const encode = (value: string): string => encodeURIComponent(Buffer.from(value).toString())

const restQuery: fc.Arbitrary<Shot> = fc
  .tuple(fc.constantFrom('thingId', 'action', 'status', 'first', 'after', 'nonsense'), text)
  .map(([name, value]) => ({
    what: `REST query ${name}=${value}`,
    fire: (url) => http(`${url}/api/v1/commands?${name}=${encode(value)}`, {}),
  }))

const restPath: fc.Arbitrary<Shot> = text.map((value) => ({
  what: `REST path ${value}`,
  fire: (url) => http(`${url}/api/v1/commands/${encode(value)}`, {}),
}))

/** Bytes of HTTP that no library would send. */
const rawHttp: fc.Arbitrary<Shot> = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'X', ''),
    fc.constantFrom('/', '/graphql', '/api/v1/commands', '*', '//', '/%', '/graphql?query={'),
    garbage,
    garbage,
  )
  .map(([method, path, header, sent]) => {
    const bytes = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nIdempotency-Key: ${header}\r\nX-Request-Id: ${header}\r\nAuthorization: ${header}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(sent)}\r\n\r\n${sent}`
    return { what: `HTTP ${bytes}`, fire: (url) => raw(url, bytes) }
  })

function raw(url: string, bytes: string): Promise<Reply> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    let said = ''
    const done = () => resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0), said })
    socket.setTimeout(10_000, () => socket.destroy())
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.on('error', () => {})
    socket.on('close', done)
    socket.end(bytes)
  })
}

const frames = fc.oneof(
  garbage,
  json,
  fc
    .tuple(fc.constantFrom('connection_init', 'subscribe', 'ping', 'pong', 'complete', 'next', 'nonsense'), json, json)
    .map(([type, id, payload]) => `{"type":"${type}","id":${id},"payload":${payload}}`),
  json.map((query) => `{"type":"subscribe","id":"1","payload":{"query":${query}}}`),
  json.map(
    (filter) =>
      `{"type":"subscribe","id":"1","payload":{"query":"subscription ($f: ExecutionFilter) { executionUpdated(filter: $f) { id } }","variables":{"f":${filter}}}}`,
  ),
)

const overWebSocket: fc.Arbitrary<Shot> = fc
  .tuple(fc.boolean(), fc.array(frames, { minLength: 1, maxLength: 4 }))
  .map(([init, sent]) => ({
    what: `WebSocket ${sent.join(' ')}`,
    fire: (url) => webSocket(url, [...(init ? ['{"type":"connection_init"}'] : []), ...sent]),
  }))

/** Said is what came until the service closed it, or had answered a ping that follows it all. */
function webSocket(url: string, sent: readonly string[]): Promise<Reply> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    let said = ''
    socket.on('open', () => {
      for (const frame of sent) socket.send(frame)
      socket.ping()
    })
    socket.on('message', (data) => {
      said += data
    })
    socket.on('pong', () => socket.close())
    socket.on('error', () => {})
    socket.on('close', (code, reason) =>
      resolve({ status: code === 4500 || code === 1011 ? 500 : 200, said: said + reason }),
    )
  })
}

export const shot: fc.Arbitrary<Shot> = fc.oneof(
  { weight: 8, arbitrary: overGraphql },
  { weight: 2, arbitrary: graphqlBody },
  { weight: 2, arbitrary: restBody },
  restQuery,
  restPath,
  rawHttp,
  overWebSocket,
)
