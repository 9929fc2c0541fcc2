/** A Mosquitto of the harness's own, set up so that a kill -9 costs as little as it can. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mosquittoEnvironment } from '../../bench/engines/mosquitto.ts'
import { end } from '../../bench/processes/child.ts'
import { failure } from '../../bench/processes/failure.ts'
import type { Scope } from '../../bench/processes/scope.ts'
import { freePort, untilReached } from './ports.ts'

export interface Mosquitto {
  url: string
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
  /** Starts it again, on the same port and with what it had written. */
  start(): Promise<void>
}

export async function startMosquitto(scope: Scope): Promise<Mosquitto> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'fleet-torture-mosquitto-'))
  scope.defer(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, configuration(port, folder))
  let child: ChildProcess | undefined
  scope.defer(() => child && end(child))

  async function start(): Promise<void> {
    child = spawn('mosquitto', ['-c', file], { stdio: 'ignore', env: mosquittoEnvironment })
    await Promise.race([untilReached(port, 'mosquitto'), untilEnded(child)])
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  await start()
  return { url: `mqtt://127.0.0.1:${port}`, kill, start }
}

/** Never resolves. */
async function untilEnded(child: ChildProcess): Promise<void> {
  const reason = await Promise.race([
    once(child, 'exit').then(() => undefined),
    once(child, 'error').then(() => 'not found in the PATH (Debian: apt-get install mosquitto)'),
  ])
  if (reason) throw failure(`mosquitto: ${reason}`)
  await new Promise(() => {})
}

function configuration(port: number, folder: string): string {
  return [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'set_tcp_nodelay true',
    'max_queued_messages 100000',
    'max_inflight_messages 1000',
    'persistence true',
    `persistence_location ${folder}/`,
    // The least there is: once a second. What came since is lost with a kill -9.
    'autosave_interval 1',
    // As root it would change to another user, who may not write to the folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    '',
  ].join('\n')
}
