/** A socket that leaves while it is being found out who it is, as with keys that an identity provider is slow to tell. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Caller } from '../../src/domain/access.ts'
import type { Callers } from '../../src/domain/callers.ts'
import { createGraphQL } from '../../src/graphql/server.ts'
import { serveGraphQLWebSockets } from '../../src/graphql/websocket.ts'
import { ABOUT } from '../support/about.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, openDomain } from '../support/domain.ts'

let domain: Domain
let sockets: WebSocketServer
let finish: (withinMs: number) => Promise<void>
let recognise: (caller: Caller) => void
let onAsked: () => void
const held = new Set<() => void>()

beforeAll(async () => {
  domain = await openDomain()
  const { ctx } = domain
  const callers: Callers = {
    ...ctx.callers,
    identify: () =>
      new Promise((resolve) => {
        recognise = resolve
        onAsked()
      }),
    hold(_caller, end) {
      held.add(end)
      return () => held.delete(end)
    },
  }
  sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'graphql-transport-ws' })
  await once(sockets, 'listening')
  const graphql = createGraphQL(ctx, { explains: false, persisted: undefined, about: ABOUT })
  finish = serveGraphQLWebSockets(graphql, sockets, { callers, log: ctx.log })
})
afterAll(async () => {
  await finish(1_000)
  sockets.close()
  await domain.stop()
})

/** One that has sent its CONNECTION_INIT, and waits. Both of its ends. */
async function knock(): Promise<{ client: WebSocket; server: WebSocket }> {
  const asked = new Promise<void>((resolve) => {
    onAsked = resolve
  })
  const client = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`, 'graphql-transport-ws')
  const [[server]] = (await Promise.all([once(sockets, 'connection'), once(client, 'open')])) as [[WebSocket], unknown]
  client.send('{"type":"connection_init"}')
  await asked
  return { client, server }
}

it('is not held for its caller, and one that stayed is let go of when it leaves', async () => {
  const left = await knock()
  left.client.terminate()
  await once(left.server, 'close')
  recognise(ANYBODY)
  await turn()
  expect(held.size).toBe(0)

  const stayed = await knock()
  recognise(ANYBODY)
  expect(String(await once(stayed.client, 'message'))).toContain('connection_ack')
  expect(held.size).toBe(1)
  stayed.client.close()
  await once(stayed.server, 'close')
  expect(held.size).toBe(0)
})
