/** Ports of this machine, to be known before and kept over restarts. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { failure } from '../../bench/processes/failure.ts'

const TRIES = 200
const PAUSE_MS = 25

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export async function untilReached(port: number, name: string): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const socket = connect(port, '127.0.0.1')
    const reached = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (reached) return
    await delay(PAUSE_MS)
  }
  throw failure(`${name} does not listen on ${port}`)
}
