/** The wire that faults are made on must make no fault that a network does not. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createScope } from '../../bench/processes/scope.ts'
import { startLocalWire, type Wire } from '../../torture/world/wire.ts'

const scope = createScope()
afterEach(scope.close)

/** What comes out at the far end, as text. */
async function startFarEnd() {
  const received: string[] = []
  const server = createServer((socket) => socket.on('data', (chunk) => received.push(String(chunk)))).listen(0)
  await once(server, 'listening')
  scope.defer(() => server.close())
  return { received, url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function connectThrough(wire: Wire): Promise<Socket> {
  const socket = connect(wire.port, '127.0.0.1').setNoDelay(true)
  // What is wrong shows in its end.
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const say = (socket: Socket, text: string) => new Promise<void>((resolve) => socket.write(text, () => resolve()))

it('keeps the order of bytes, also when it stops being slow', async () => {
  const { received, url } = await startFarEnd()
  const wire = await startLocalWire(scope, url)
  const socket = await connectThrough(wire)
  await wire.slow(100)
  await say(socket, 'a')
  await expect.poll(() => wire.underWay()).toBe(1)
  await wire.restore()
  await say(socket, 'b')
  await expect.poll(() => received.join('')).toBe('ab')
})

it('ends connections that were silenced when it carries again', async () => {
  const { received, url } = await startFarEnd()
  const wire = await startLocalWire(scope, url)
  const socket = await connectThrough(wire)
  await wire.silence()
  await say(socket, 'a')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await wire.restore()
  await closed
  const next = await connectThrough(wire)
  await say(next, 'b')
  await expect.poll(() => received.join('')).toBe('b')
})
