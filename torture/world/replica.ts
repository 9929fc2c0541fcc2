/** One process of the service, started as users start it; it keeps its port and its name at the broker over restarts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end } from '../../bench/processes/child.ts'
import { failure } from '../../bench/processes/failure.ts'
import type { Scope } from '../../bench/processes/scope.ts'
import { freePort } from './ports.ts'

export interface Replica {
  number: number
  /** http://127.0.0.1:port */
  url: string
  pid(): number
  isUp(): boolean
  start(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM; resolves with its exit code and how long it took. */
  terminate(): Promise<{ code: number | null; tookMs: number }>
}

export interface ReplicaOptions {
  number: number
  entry: string
  environment: Readonly<Record<string, string>>
  logFile: string
  /** Told as it starts to be usable, and as it stops to be. */
  onUp: () => void
  onDown: () => void
}

const START_DEADLINE_MS = 60_000
const STARTED = /MQTT\s+mqtts?:/

export async function createReplica(scope: Scope, options: ReplicaOptions): Promise<Replica> {
  const { number, entry, environment, logFile, onUp, onDown } = options
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'fleet-torture-replica-'))
  scope.defer(() => rmSync(folder, { recursive: true, force: true }))
  let child: ChildProcess | undefined
  let up = false
  scope.defer(() => child && end(child))

  async function start(): Promise<void> {
    const started = spawn(process.execPath, [entry, 'serve'], {
      // A folder without a .env file.
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        PORT: String(port),
        MQTT_CLIENT_ID: `fleet-torture-${number}`,
        DATA_DIR: join(folder, 'data'),
        ...environment,
      },
      stdio: ['ignore', 'pipe', openSync(logFile, 'a')],
    })
    child = started
    started.once('exit', () => setUp(false))
    await untilStarted(started, logFile)
    setUp(true)
  }

  function setUp(value: boolean): void {
    if (up === value) return
    up = value
    if (value) onUp()
    else onDown()
  }

  async function signal(name: NodeJS.Signals): Promise<number | null> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return null
    const exited = once(child, 'exit')
    setUp(false)
    child.kill(name)
    const [code] = await exited
    return code as number | null
  }

  return {
    number,
    url: `http://127.0.0.1:${port}`,
    pid: () => child?.pid ?? 0,
    isUp: () => up,
    start,
    kill: async () => void (await signal('SIGKILL')),
    async terminate() {
      const startedAt = performance.now()
      return { code: await signal('SIGTERM'), tookMs: performance.now() - startedAt }
    },
  }
}

async function untilStarted(child: ChildProcess, logFile: string): Promise<void> {
  let text = ''
  const patience = new AbortController()
  const banner = new Promise<void>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (STARTED.test(text)) resolve()
    })
  })
  const deadline = setTimeout(() => patience.abort(), START_DEADLINE_MS)
  const outcome = await Promise.race([
    banner.then(() => undefined),
    once(child, 'exit', { signal: patience.signal }).then(
      ([code]) => `ended with ${code} at its start`,
      () => 'did not start in time',
    ),
  ])
  clearTimeout(deadline)
  patience.abort()
  if (outcome) throw failure(`the service ${outcome}; ${logFile} has what it said`)
}
