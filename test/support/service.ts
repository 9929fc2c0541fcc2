/** A real service of its own for a test file, in this process or in another. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { type App, startApp } from '../../src/app.ts'
import type { Config } from '../../src/base/config.ts'
import { NO_TLS } from '../../src/base/config-tls.ts'
import { createLogger } from '../../src/base/log.ts'
import { type Backend, createBackend, onServices } from './backend.ts'
import { type Client, createClient } from './client.ts'
import { startRoundRobin } from './round-robin.ts'

export interface Service extends Client {
  app: App
  /** Of each replica; `url` is that of the balancer where there are several. */
  urls: string[]
  config: Config
  backend: Backend
  /** Where devices connect. */
  mqttUrl: string
  stop(): Promise<void>
}

const DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  mqttPort: 0,
  mqttSharedGroup: undefined,
  retentionDays: undefined,
  maxSends: 5_000,
  graphiql: true,
  corsOrigins: [],
  maxConnections: 20_000,
  maxSubscriptions: 20_000,
  rateLimitKey: undefined,
  rateLimitThing: undefined,
  persistedOperations: undefined,
  drainSeconds: 0,
  tracesUrl: undefined,
  jwt: undefined,
  ...NO_TLS,
  mqttTlsPort: 0,
  trustedProxies: [],
  mqttAuthSecret: undefined,
  logLevel: 'silent',
} as const

interface StartOptions extends Partial<Config> {
  /** That of another service, for a second replica or a restart. */
  backend?: Backend
  /** Absent: as many as the run asks for (`npm run test:replicas`), behind a balancer that takes them in turn. */
  replicas?: number
}

/** As many replicas as the suite shall run against, wherever a test does not say. */
export const REPLICAS = onServices ? Number(process.env['REPLICAS'] ?? 1) : 1

/** Starts a service in this process. */
export async function startService({
  backend,
  replicas = REPLICAS,
  ...overrides
}: StartOptions = {}): Promise<Service> {
  const engines = backend ?? (await createBackend())
  const config: Config = { ...DEFAULTS, ...engines.settings, ...overrides }
  const { app, urls } = await startReplicas(config, replicas)
  const stop = async () => {
    await app.stop()
    if (!backend) await engines.dispose()
  }
  return { ...createClient(app.url), app, urls, config, backend: engines, mqttUrl: mqttUrlOf(app, config), stop }
}

/** Several as one: whoever talks to it talks to one after another. */
async function startReplicas(config: Config, count: number): Promise<Pick<Service, 'app' | 'urls'>> {
  if (count === 1) {
    const app = await startApp(config, createLogger(config.logLevel))
    return { app, urls: [app.url] }
  }
  const apps = await Promise.all(
    Array.from({ length: count }, (_, n) =>
      startApp({ ...config, mqttClientId: `${config.mqttClientId}-${n}` }, createLogger(config.logLevel)),
    ),
  )
  const [first] = apps
  if (!first) throw new Error('no replica')
  const balancer = await startRoundRobin(apps.map(({ url }) => url))
  const app = {
    ...first,
    url: balancer.url,
    listenerCount: () => apps.reduce((sum, one) => sum + one.listenerCount(), 0),
    stop: async () => {
      await balancer.stop()
      for (const one of apps) await one.stop()
    },
  }
  return { app, urls: apps.map(({ url }) => url) }
}

function mqttUrlOf({ broker }: App, { mqttUrl }: Config): string {
  return broker.kind === 'embedded' ? `mqtt://127.0.0.1:${broker.port}` : (mqttUrl ?? '')
}

export interface ServiceProcess extends Client {
  process: ChildProcess
  mqttUrl: string
  output(): string
  kill(signal: NodeJS.Signals): Promise<void>
}

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

/** How many listen where nobody is subscribed. Expiry listens in its first moments. */
export async function countIdleListeners({ app }: Service): Promise<number> {
  await vi.waitFor(() => {
    if (app.listenerCount() > 0) throw new Error('somebody listens')
  }, 10_000)
  return app.listenerCount()
}

/** Starts `fleet-commands serve` as users do. Rejects with its output where it ends before it is up. */
export async function startServiceProcess(backend: Backend, env: Record<string, string> = {}): Promise<ServiceProcess> {
  const { databaseUrl, mqttUrl, dataDir, mqttClientId } = backend.settings
  const child = spawn(process.execPath, [CLI, 'serve'], {
    cwd: dataDir,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      MQTT_PORT: '0',
      LOG_LEVEL: 'warn',
      DATA_DIR: dataDir,
      MQTT_CLIENT_ID: mqttClientId,
      ...(databaseUrl && { DATABASE_URL: databaseUrl }),
      ...(mqttUrl && { MQTT_URL: mqttUrl }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const exited = once(child, 'exit')
  const find = (pattern: RegExp) => pattern.exec(text)?.[1]
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', () => find(/MQTT\s+(mqtts?:\S+)/) && resolve())
    void exited.then(([code]) => reject(new Error(`serve ended with ${code}: ${text}`)))
  })
  return {
    ...createClient(find(/Console\s+(http:\S+?)\/\s/) ?? ''),
    process: child,
    mqttUrl: find(/MQTT\s+(mqtts?:\S+)/) ?? '',
    output: () => text,
    kill: async (signal) => {
      child.kill(signal)
      await exited
    },
  }
}

/** What `/readyz` says. */
/** Until each replica answers /readyz with this status. */
export const untilReady = ({ urls }: Pick<Service, 'urls'>, status: number): Promise<void> =>
  vi.waitFor(
    async () => {
      for (const answer of await Promise.all(urls.map(readiness))) {
        if (answer.status !== status) throw new Error(`/readyz: ${answer.status} ${JSON.stringify(answer.checks)}`)
      }
    },
    { timeout: 15_000, interval: 50 },
  )

export async function readiness(url: string): Promise<{ status: number; checks: Record<string, string> }> {
  const response = await fetch(`${url}/readyz`)
  const { checks } = (await response.json()) as { checks: Record<string, string> }
  return { status: response.status, checks }
}
