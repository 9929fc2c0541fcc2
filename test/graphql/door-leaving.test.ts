/** A caller who leaves while it is being found out who he is, and asked for a stream of events. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Context } from '../../src/domain/context.ts'
import { createGraphQL } from '../../src/graphql/server.ts'
import { ABOUT } from '../support/about.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, openDomain } from '../support/domain.ts'

let domain: Domain
let ctx: Context
let server: Server
let recognise: () => void
let onAsked: (handled: Promise<void>) => void
const held = new Set<() => void>()

beforeAll(async () => {
  domain = await openDomain()
  const hold: Context['callers']['hold'] = (_caller, end) => {
    held.add(end)
    return () => held.delete(end)
  }
  ctx = { ...domain.ctx, callers: { ...domain.ctx.callers, hold } }
  const { handle } = createGraphQL(ctx, { explains: false, persisted: undefined, about: ABOUT })
  server = createServer((req, res) => {
    const known = new Promise<void>((resolve) => {
      recognise = resolve
    })
    onAsked(known.then(() => handle({ req, res, caller: ANYBODY, body: undefined })))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await domain.stop()
})

async function ask() {
  const query = encodeURIComponent('subscription { executionUpdated { id } }')
  const { port } = server.address() as AddressInfo
  const asked = new Promise<{ handled: Promise<void> }>((resolve) => {
    onAsked = (handled) => resolve({ handled })
  })
  const arrived = once(server, 'request') as Promise<[IncomingMessage]>
  const headers = { accept: 'text/event-stream' }
  const client = request({ host: '127.0.0.1', port, path: `/graphql?query=${query}`, headers })
  client.on('error', () => {})
  client.end()
  const [req] = await arrived
  return { client, req, ...(await asked) }
}

it('is not held and not listened for, and one who stayed is until he leaves', async () => {
  const left = await ask()
  left.client.destroy()
  await once(left.req.socket, 'close')
  recognise()
  await left.handled
  expect([held.size, ctx.live.listenerCount()]).toEqual([0, 0])

  const stayed = await ask()
  recognise()
  await once(stayed.client, 'response')
  await expect.poll(() => [held.size, ctx.live.listenerCount()]).toEqual([1, 1])
  stayed.client.destroy()
  await expect.poll(() => [held.size, ctx.live.listenerCount()]).toEqual([0, 0])
})
