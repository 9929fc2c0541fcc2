/** The GraphQL door over WebSocket: who may come in, what is refused, and what leaves the socket alive. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { type Service, startService } from '../support/service.ts'

const PROTOCOL = 'graphql-transport-ws'

describe('GraphQL over WebSocket', () => {
  let service: Service
  let silent: { closed: Promise<number> }

  beforeAll(async () => {
    service = await startService()
    // It says nothing, and is looked at last: the time that it has runs while the others are tested.
    silent = { closed: closeCode(await open()) }
  })

  afterAll(() => service.stop())

  it('is for pages of its own origin, and for clients that are no page', async () => {
    const { host } = new URL(service.url)
    for (const origin of [
      'https://evil.example',
      `https://${host}.evil.example`,
      'null',
      'file://',
      `http://${host}1`,
    ]) {
      const socket = new WebSocket(socketUrl(), PROTOCOL, { headers: { origin } })
      socket.on('error', () => {})
      const [, response] = await once(socket, 'unexpected-response')
      expect({ origin, status: response.statusCode }).toEqual({ origin, status: 403 })
      response.destroy()
    }
    for (const headers of [{ origin: service.url }, undefined]) (await open(headers)).terminate()
  })

  it('is at one path, in one protocol', async () => {
    const socket = new WebSocket(`${socketUrl()}x`, PROTOCOL)
    socket.on('error', () => {})
    const [, response] = await once(socket, 'unexpected-response')
    expect(response.statusCode).toBe(404)
    expect(await closeCode(new WebSocket(socketUrl()))).toBe(4406)
  })

  it('closes a socket that breaks the protocol', async () => {
    const subscribe = { id: '1', type: 'subscribe', payload: { query: '{ __typename }' } }
    expect(await closedBy(await open(), subscribe)).toBe(4401)
    expect(await closedBy(await greeted(), { type: 'connection_init' })).toBe(4429)
    expect(await closedBy(await greeted(), { type: 'nonsense' })).toBe(4400)
    expect(await closedBy(await greeted(), '{')).toBe(4400)
    // What only a server says.
    expect(await closedBy(await greeted(), { type: 'next', id: '1', payload: {} })).toBe(4400)
    // Written back, it would overflow the stack.
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
    expect(await closedBy(await greeted(), `{"type":"ping","payload":${deep}}`)).toBe(4400)
    const watching = { ...subscribe, payload: { query: 'subscription { executionUpdated { id } }' } }
    expect(await closedBy(await greeted(), watching, watching)).toBe(4409)
  })

  it('answers a ping with what came with it', async () => {
    for (const ping of [{ type: 'ping' }, { type: 'ping', payload: { a: [1] } }]) {
      const socket = await greeted()
      const answered = once(socket, 'message')
      socket.send(JSON.stringify(ping))
      expect(JSON.parse(String((await answered)[0]))).toEqual({ ...ping, type: 'pong' })
      socket.terminate()
    }
  })

  it('closes a socket with a frame of more than 256 KB', async () => {
    const payload = { query: '{ __typename }', variables: { pad: 'x'.repeat(258 * 1024) } }
    expect(await closedBy(await greeted(), { id: '1', type: 'subscribe', payload })).toBe(1009)
    const fits = { query: '{ __typename }', variables: { pad: 'x'.repeat(255 * 1024) } }
    const socket = await greeted()
    expect(await answers(socket, 'a', fits)).toEqual([{ data: { __typename: 'Query' } }])
    socket.terminate()
  })

  it('answers a bad document with an error, and the socket lives on', async () => {
    const socket = await greeted()
    const bad: [Record<string, unknown>, string][] = [
      [{ query: '{' }, 'GRAPHQL_PARSE_FAILED'],
      [{ query: '' }, 'GRAPHQL_PARSE_FAILED'],
      [{ query: '{ nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
      [{ query: `{ ${'__typename '.repeat(2_001)} }` }, 'GRAPHQL_PARSE_FAILED'],
      [
        { query: `{ things { nodes { ${'type { '.repeat(12)} name ${'} '.repeat(12)} } } }` },
        'GRAPHQL_VALIDATION_FAILED',
      ],
      [{ query: 'query A { __typename }', operationName: 'B' }, 'OPERATION_RESOLUTION_FAILURE'],
      [{ query: 'query ($id: ID!) { thing(id: $id) { id } }' }, 'BAD_USER_INPUT'],
      [{ query: 'subscription ($id: ID!) { executionUpdated(id: $id) { id } }' }, 'BAD_USER_INPUT'],
      [{ query: 'subscription { executionUpdated(id: "1") { id } }' }, 'EXECUTION_NOT_FOUND'],
    ]
    for (const [index, [payload, code]] of bad.entries()) {
      const [answer] = await answers(socket, `bad-${index}`, payload)
      const errors = Array.isArray(answer) ? answer : Object(answer).errors
      expect({ payload, code: errors?.[0]?.extensions?.code }).toEqual({ payload, code })
    }
    expect(await answers(socket, 'good', { query: '{ __typename }' })).toEqual([{ data: { __typename: 'Query' } }])
    socket.terminate()
  })

  it('does what HTTP does: queries and mutations, with variables', async () => {
    const socket = await greeted()
    const query = 'mutation ($id: ID!) { registerThing(input: { id: $id }) { thing { id } errors { code } } }'
    expect(await answers(socket, 'm', { query, variables: { id: 'over-websocket' } })).toEqual([
      { data: { registerThing: { thing: { id: 'over-websocket' }, errors: [] } } },
    ])
    const again = '{ thing(id: "over-websocket") { id clientId } }'
    expect(await answers(socket, 'q', { query: again })).toEqual([
      { data: { thing: { id: 'over-websocket', clientId: 'over-websocket' } } },
    ])
    socket.terminate()
  })

  it('does not wait forever for a socket that says nothing', async () => {
    expect(await silent.closed).toBe(4408)
  })

  const socketUrl = () => `${service.url.replace('http', 'ws')}/graphql`

  async function open(headers: Record<string, string> = {}): Promise<WebSocket> {
    const socket = new WebSocket(socketUrl(), PROTOCOL, { headers })
    await once(socket, 'open')
    return socket
  }

  async function greeted(): Promise<WebSocket> {
    const socket = await open()
    socket.send('{"type":"connection_init"}')
    await once(socket, 'message')
    return socket
  }

  async function closeCode(socket: WebSocket): Promise<number> {
    const [code] = await once(socket, 'close')
    return code
  }

  function closedBy(socket: WebSocket, ...messages: unknown[]): Promise<number> {
    const closed = closeCode(socket)
    for (const message of messages) socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    return closed
  }

  /** The payloads of an operation's messages, up to its end. */
  async function answers(socket: WebSocket, id: string, payload: unknown): Promise<unknown[]> {
    const payloads: unknown[] = []
    const ended = new Promise<void>((resolve) => {
      socket.on('message', function read(data) {
        const message = JSON.parse(String(data))
        if (message.id !== id) return
        if (message.type !== 'complete') payloads.push(message.payload)
        if (message.type === 'next') return
        socket.off('message', read)
        resolve()
      })
    })
    socket.send(JSON.stringify({ id, type: 'subscribe', payload }))
    await ended
    return payloads
  }
})
