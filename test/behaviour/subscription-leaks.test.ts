import { once } from 'node:events'
import type { Client as WsClient } from 'graphql-ws'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { heapInUse } from '../support/heap.ts'
import { uniqueName } from '../support/names.ts'
import { countIdleListeners, type Service, startService } from '../support/service.ts'
import { WATCH, type WatchVariables } from '../support/subscription.ts'

const SOCKETS = 100
const EACH = 100
const STREAMS = 200
const POLL = { timeout: 60_000, interval: 20 }

let service: Service
let executionId: string
/** How many listen while nobody is subscribed. */
let idle: number
const thingId = uniqueName('watched')

beforeAll(async () => {
  service = await startService()
  idle = await countIdleListeners(service)
  await service.registerThing(thingId)
})
afterAll(() => service.stop())

beforeEach(async () => {
  const { execution } = await service.send({ thingId, ttl: 600 })
  executionId = execution?.id ?? ''
})

const listening = () => expect.poll(() => service.app.listenerCount() - idle, POLL)

interface Socket {
  client: WsClient
  connection: Promise<WebSocket>
  unsubscribes: (() => void)[]
}

function openSocket(): Socket {
  const client = service.webSocket()
  const connection = new Promise<WebSocket>((resolve) => client.on('opened', (socket) => resolve(socket as WebSocket)))
  return { client, connection, unsubscribes: [] }
}

function subscribe({ client, unsubscribes }: Socket, variables: WatchVariables): void {
  const sink = { next() {}, error() {}, complete() {} }
  unsubscribes.push(client.subscribe({ query: WATCH, variables: { ...variables } }, sink))
}

/** Of every kind: all, some things, one execution, and with something to catch up. */
const kinds = (): WatchVariables[] => [
  {},
  { filter: { thingId } },
  { filter: { thingId: [thingId, 'another'], status: 'SENT' } },
  { id: executionId },
  { since: '2100-01-01T00:00:00Z' },
]

function openSubscriptions(socketCount: number): Socket[] {
  const sockets = Array.from({ length: socketCount }, openSocket)
  for (const socket of sockets) {
    for (let index = 0; index < EACH; index++) subscribe(socket, kinds()[index % 5] ?? {})
  }
  return sockets
}

/** Half of them say that they are done, half of them are just gone. */
async function drop(sockets: Socket[]): Promise<void> {
  for (const [index, { connection, unsubscribes }] of sockets.entries()) {
    if (index % 2 === 0) for (const unsubscribe of unsubscribes) unsubscribe()
    else (await connection).terminate()
  }
}

const sse = (query: string, variables: unknown, signal: AbortSignal): Promise<Response> =>
  fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
    signal,
  })

describe('nothing is left behind', { timeout: 120_000 }, () => {
  it('by 10,000 subscriptions over WebSocket, opened and dropped', async () => {
    // Once before, so that what is loaded and cached at the first time does not count.
    const first = openSubscriptions(10)
    await listening().toBe(10 * EACH)
    await drop(first)
    await listening().toBe(0)

    const before = await heapInUse()
    const sockets = openSubscriptions(SOCKETS)
    await listening().toBe(SOCKETS * EACH)
    await drop(sockets)
    await listening().toBe(0)
    for (const { client } of sockets.splice(0)) await client.dispose()
    // In the end: what had been asked of the database may be under way yet.
    await expect.poll(async () => (await heapInUse()) - before, POLL).toBeLessThan(10)
  })

  it('by subscriptions that are dropped while they begin', async () => {
    for (let round = 0; round < 20; round++) {
      const socket = await openRawSocket()
      const ids = Array.from({ length: 50 }, (_, index) => `${index}`)
      const payload = { query: WATCH, variables: { id: executionId } }
      for (const id of ids) socket.send(JSON.stringify({ id, type: 'subscribe', payload }))
      if (round % 2 === 0) for (const id of ids) socket.send(JSON.stringify({ id, type: 'complete' }))
      setTimeout(() => socket.terminate(), round)
    }
    // What listens now, and what will: all of it was asked for before this query, and is answered before it.
    await service.execution(executionId)
    await listening().toBe(0)
    await service.cancel(executionId)
  })

  it('by 200 streams over SSE, dropped while they begin and later', async () => {
    const controllers = Array.from({ length: STREAMS }, () => new AbortController())
    const opening = controllers.map(async ({ signal }, index) => {
      const response = await sse(WATCH, kinds()[index % 5], signal)
      expect(response.headers.get('content-type')).toContain('text/event-stream')
      return response
    })
    for (const controller of controllers.slice(0, STREAMS / 2)) controller.abort()
    const results = await Promise.allSettled(opening)
    expect(results.slice(STREAMS / 2).every(({ status }) => status === 'fulfilled')).toBe(true)
    await listening().toBe(STREAMS / 2)
    for (const controller of controllers) controller.abort()
    await listening().toBe(0)
    // Held until here: a response that nobody holds is collected, and its stream ends.
    expect(results).toHaveLength(STREAMS)
  })

  it('by callers that went away while they waited', async () => {
    const query = `mutation ($input: SendCommandInput!) { sendCommand(input: $input) { execution { status } } }`
    const variables = { input: { thingId, action: 'reboot', ttl: 600, wait: true } }
    const controller = new AbortController()
    // What is asked as a stream, Yoga answers.
    const waiting = Array.from({ length: 10 }, async (_, index) => {
      const accept = index % 2 ? 'application/json' : 'text/event-stream'
      const response = await fetch(`${service.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: JSON.stringify({ query, variables }),
        signal: controller.signal,
      })
      return response.text()
    })
    const socket = openSocket()
    for (let index = 0; index < 20; index++) {
      socket.client.subscribe({ query, variables }, { next() {}, error() {}, complete() {} })
    }
    await listening().toBe(30)
    controller.abort()
    await Promise.allSettled(waiting)
    await listening().toBe(20)
    const connection = await socket.connection
    connection.terminate()
    await listening().toBe(0)
  })
})

/** Speaks graphql-transport-ws itself: a client's own order of things would get in the way. */
async function openRawSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`${service.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  await once(socket, 'message')
  return socket
}
