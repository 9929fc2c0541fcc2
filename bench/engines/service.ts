/** The service, started as users start it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end } from '../processes/child.ts'
import { failure } from '../processes/failure.ts'
import type { Scope } from '../processes/scope.ts'

export interface ServiceOptions {
  /** The compiled command line of the build to measure. */
  entry: string
  /** Absent: the embedded pair. */
  services?: { databaseUrl: string; mqttUrl: string }
  /** Where its log goes; by default it is written as always, and read by nobody. */
  logFile: string
  /** With an inspector, through which its garbage can be collected. */
  inspected?: boolean
  /** Settings beside these, such as another MQTT_CLIENT_ID for each replica. */
  environment?: Readonly<Record<string, string>>
}

export interface Service {
  /** Of GraphQL. */
  url: string
  mqttUrl: string
  pid: number
  inspectorUrl: string | undefined
}

const START_DEADLINE_MS = 60_000

export async function startService(scope: Scope, options: ServiceOptions): Promise<Service> {
  const { entry, services, inspected } = options
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-service-'))
  scope.defer(() => rmSync(folder, { recursive: true, force: true }))
  // The inspector tells there where it listens.
  const logFile = inspected ? join(folder, 'log') : options.logFile
  const child = spawn(process.execPath, [entry, 'serve'], {
    // A folder without a .env file.
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      MQTT_PORT: '0',
      MQTT_CLIENT_ID: 'fleet-bench',
      DATA_DIR: folder,
      ...(services && { DATABASE_URL: services.databaseUrl, MQTT_URL: services.mqttUrl }),
      ...(inspected && { NODE_OPTIONS: '--inspect=127.0.0.1:0' }),
      ...options.environment,
    },
    stdio: ['ignore', 'pipe', openSync(logFile, 'a')],
  })
  scope.defer(() => end(child))
  const banner = await readBanner(child, logFile)
  return {
    url: `${/Console\s+(http:\S+?)\/\s/.exec(banner)?.[1] ?? ''}/graphql`,
    mqttUrl: MQTT_LINE.exec(banner)?.[1] ?? '',
    pid: child.pid ?? 0,
    inspectorUrl: inspected ? /ws:\/\/\S+/.exec(readFileSync(logFile, 'utf8'))?.[0] : undefined,
  }
}

const MQTT_LINE = /MQTT\s+(mqtts?:\S+)/

async function readBanner(child: ChildProcess, logFile: string): Promise<string> {
  let text = ''
  const ended = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => reject(failure('the service did not start in time')), START_DEADLINE_MS)
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (!MQTT_LINE.test(text)) return
      clearTimeout(deadline)
      resolve()
    })
    void ended.then(([code]) => {
      clearTimeout(deadline)
      reject(failure(`the service ended with ${code} at its start; ${whereToLook(logFile)}`))
    })
  })
  return text
}

const whereToLook = (logFile: string): string =>
  logFile === '/dev/null' ? '--service-log FILE keeps what it says' : `${logFile} has what it said`

export async function migrate(entry: string, databaseUrl: string): Promise<void> {
  const child = spawn(process.execPath, [entry, 'migrate'], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw failure(`${entry} migrate ended with ${code}`)
}
