/** A Mosquitto of the bench's own, set up as README says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { end } from '../processes/child.ts'
import { failure } from '../processes/failure.ts'
import type { Scope } from '../processes/scope.ts'

export interface Mosquitto {
  url: string
  pid: number
}

/** Debian keeps it where only administrators look. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`
const START_TRIES = 100
const START_PAUSE_MS = 50

export const mosquittoEnvironment = { ...process.env, PATH }

export async function startMosquitto(scope: Scope): Promise<Mosquitto> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-mosquitto-'))
  scope.defer(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, configuration(port, folder))
  const child = spawn('mosquitto', ['-c', file], { stdio: 'ignore', env: mosquittoEnvironment })
  scope.defer(() => end(child))
  await Promise.race([untilStarted(child), untilReached(port)])
  return { url: `mqtt://127.0.0.1:${port}`, pid: child.pid ?? 0 }
}

function configuration(port: number, folder: string): string {
  return [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'set_tcp_nodelay true',
    'max_queued_messages 100000',
    // By default 20 responses at a time are on their way to the service, however many it can take.
    'max_inflight_messages 1000',
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_interval 10',
    // As root it would change to another user, who may not write to the folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    '',
  ].join('\n')
}

/** Never resolves: it rejects where Mosquitto ends before it can be reached. */
async function untilStarted(child: ChildProcess): Promise<void> {
  const [code] = await Promise.race([
    once(child, 'exit'),
    once(child, 'error').then(() => {
      throw failure('mosquitto: not found, expected it in the PATH (Debian: apt-get install mosquitto)')
    }),
  ])
  throw failure(`mosquitto ended with ${code} at its start`)
}

async function untilReached(port: number): Promise<void> {
  for (let tries = 0; tries < START_TRIES; tries++) {
    const socket = connect(port, '127.0.0.1')
    const reached = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (reached) return
    await delay(START_PAUSE_MS)
  }
  throw failure('mosquitto did not start to listen')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
