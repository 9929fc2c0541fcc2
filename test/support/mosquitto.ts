/** A Mosquitto of a test's own, which forgets everything when it is killed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'

export const hasMosquitto = spawnSync('mosquitto', ['-h']).error === undefined

export interface Mosquitto {
  url: string
  kill(): Promise<void>
  /** Starts it again, on the same port. */
  start(): Promise<void>
  dispose(): Promise<void>
}

const OPEN = (port: number): string[] => [`listener ${port} 127.0.0.1`, 'allow_anonymous true']

/** `configure`: the lines about who gets in where; the port is that of `url`. It may read what only its owner may. */
export async function startMosquitto(configure = OPEN): Promise<Mosquitto> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'fc-mosquitto-'))
  const config = join(folder, 'mosquitto.conf')
  const lines = ['user root', 'persistence false', 'set_tcp_nodelay true', ...configure(port), '']
  writeFileSync(config, lines.join('\n'))
  let child: ChildProcess | undefined

  const start = async () => {
    child = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
    await vi.waitFor(() => probe(port), { timeout: 5_000, interval: 20 })
  }
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await start()
  return {
    url: `mqtt://127.0.0.1:${port}`,
    kill,
    start,
    dispose: async () => {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function probe(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
