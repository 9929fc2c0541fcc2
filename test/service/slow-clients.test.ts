import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type WebSocket from 'ws'
import { followCertificates } from '../../src/base/certificates.ts'
import { NO_TLS } from '../../src/base/config-tls.ts'
import { createGraphQL, GRAPHQL_PATH } from '../../src/graphql/server.ts'
import { serveGraphQLWebSockets } from '../../src/graphql/websocket.ts'
import { createSockets, type Listener, listen } from '../../src/http/server.ts'
import { ABOUT } from '../support/about.ts'
import { readUntilSettled, sendAndSettle } from '../support/changes.ts'
import { createClient, type ExecutionData } from '../support/client.ts'
import { type Domain, openDomain } from '../support/domain.ts'
import { heapInUse } from '../support/heap.ts'
import { uniqueName } from '../support/names.ts'
import { WATCH, watch } from '../support/subscription.ts'

const EXECUTIONS = 5_000
/** More than the buffers of the operating system take between us and a client that does not read. */
const RESULT = 'x'.repeat(8_000)

/** A client that does not read until it is told to. */
interface SlowClient {
  readOn(): void
  next(): Promise<ExecutionData | undefined>
  stop(): Promise<void>
}

let domain: Domain
let door: Listener

beforeAll(async () => {
  domain = await openDomain()
  const graphql = createGraphQL(domain.ctx, { explains: true, persisted: undefined, about: ABOUT })
  const sockets = createSockets(GRAPHQL_TRANSPORT_WS_PROTOCOL)
  const finishSockets = serveGraphQLWebSockets(graphql, sockets, domain.ctx)
  const doors = {
    routes: new Hono(),
    graphql: { path: GRAPHQL_PATH, handle: graphql.handle, identify: domain.ctx.callers.identify },
    sockets: { [GRAPHQL_PATH]: sockets },
    finishSockets,
  }
  const { log } = domain.ctx
  const { https: certificate } = followCertificates(NO_TLS, log)
  door = await listen({ host: '127.0.0.1', port: 0, corsOrigins: [], maxConnections: 100, certificate }, doors, log)
})

afterAll(async () => {
  await door.stop()
  await domain.stop()
})

afterEach(() => expect.poll(() => domain.ctx.live.listenerCount()).toBe(0))

async function overWebSocket(thingId: string): Promise<SlowClient> {
  const client = createClient(door.url).webSocket()
  const opened = new Promise<WebSocket>((resolve) => client.on('opened', (socket) => resolve(socket as WebSocket)))
  let watching = watch(client, { filter: { thingId } })
  let since = new Date(0).toISOString()
  const socket = await opened
  await client.iterate({ query: '{ __typename }' }).next()
  socket.pause()

  /** A socket that does not answer pings is closed after a while: a slow machine may come to that. */
  async function next(): Promise<ExecutionData | undefined> {
    const execution = await watching.next().catch(() => {
      watching = watch(client, { filter: { thingId }, since })
      return watching.next()
    })
    if (execution) since = execution.updatedAt
    return execution
  }
  return { readOn: () => socket.resume(), next, stop: async () => client.dispose() }
}

async function overSse(thingId: string): Promise<SlowClient> {
  const post = request(`${door.url}${GRAPHQL_PATH}`, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
  })
  post.end(JSON.stringify({ query: WATCH, variables: { filter: { thingId } } }))
  const [response] = (await once(post, 'response')) as [IncomingMessage]
  let lines: AsyncIterator<string> | undefined
  async function next(): Promise<ExecutionData | undefined> {
    lines ??= createInterface(response)[Symbol.asyncIterator]()
    for (;;) {
      const { done, value } = await lines.next()
      if (done) return undefined
      if (value.startsWith('data: ')) return JSON.parse(value.slice(6)).data.executionUpdated
    }
  }
  return { readOn: () => {}, next, stop: async () => void response.destroy() }
}

describe.each([
  ['WebSocket', overWebSocket],
  ['SSE', overSse],
])('a client that does not read, over %s', (_transport, connect) => {
  it('loses no state in 10,000 updates, and costs bounded memory', { timeout: 120_000 }, async () => {
    const thingId = uniqueName('slow')
    const client = await connect(thingId)
    const before = await heapInUse()
    await sendAndSettle(domain.ctx, thingId, EXECUTIONS, RESULT)
    // All of them would be 40 MB, and as much again in JSON. What the last batch came in is let go of a moment later.
    await expect.poll(async () => (await heapInUse()) - before, { timeout: 5_000 }).toBeLessThan(25)
    client.readOn()
    const { updates } = await readUntilSettled(client.next, EXECUTIONS)
    expect(updates).toBeLessThan(2 * EXECUTIONS)
    await client.stop()
  })
})
