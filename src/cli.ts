#!/usr/bin/env node
/**
 * The command line: the only reader of arguments, environment and signals.
 * Each command loads its own parts: `--help` and a bad setting are answered before a second is spent on loading the others.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { App } from './app.ts'
import { banner, nextSteps } from './banner.ts'
import { type Config, ConfigError, readConfig } from './base/config.ts'
import { createLogger, type Logger } from './base/log.ts'
import { isLoopback } from './base/loopback.ts'
import { keepMemorySmall } from './base/memory.ts'
import { aclBroker, brokerUrl, milliseconds, pemFile, serviceUser, share, thingName } from './cli-arguments.ts'
import { addKeysCommand, makeDemoKey } from './cli-keys.ts'
import type { AclBroker } from './mqtt/acl.ts'
import type { ExportOptions } from './transfer/export.ts'
import type { PasswordsOptions } from './transfer/mosquitto-passwords.ts'
import { VERSION } from './version.ts'

/** The second signal does not wait for the orderly end that the first one began. */
const FORCED_EXIT_CODE = 130
/** After DRAIN_SECONDS. Each part has its own limits, which are shorter; where none holds, a supervisor would have to kill us. */
const STOP_LIMIT_MS = 25_000

const program = new Command('fleet-commands')
  .description('Real-time commands to connected devices: GraphQL and REST in front, any MQTT broker behind.')
  .version(VERSION, '-v, --version')
  .showHelpAfterError('(--help shows what there is)')

program
  .command('serve')
  .description('Run the service. Settings come from the environment and from a .env file (see README).')
  .action(() =>
    runService(readEnvironment(), async (app, config) => {
      print(`${banner(app, config.dataDir)}\n${nextSteps(app)}`)
    }),
  )

program
  .command('demo')
  .description('Run the service with a throw-away data folder, a Thing Type and three simulated things.')
  .action(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'fleet-commands-demo-'))
    process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }))
    const config = {
      ...readEnvironment(),
      databaseUrl: undefined,
      mqttUrl: undefined,
      mqttSharedGroup: undefined,
      jwt: undefined,
      tls: undefined,
      mqttTls: undefined,
      dataDir,
    }
    // Where others reach it, it is for those who know the key.
    const key = isLoopback(config.host) ? undefined : await makeDemoKey(config)
    return runService({ ...config, logLevel: process.env['LOG_LEVEL'] ? config.logLevel : 'warn' }, async (app) => {
      const { startDemo } = await import('./demo.ts')
      const demo = await startDemo(app, key)
      print(`${banner(app, dataDir)}\n${demo.text}`)
      return demo.stop
    })
  })

program
  .command('device')
  .description('Run one reference device against a broker: it answers what its thing is sent.')
  .argument('<thingId>', 'the thing it is, such as thermostat-001', thingName)
  .option('--url <url>', 'the broker: mqtt, mqtts, ws or wss', brokerUrl, 'mqtt://127.0.0.1:1883')
  .option('--client-id <id>', 'the MQTT client id (default: the thing id)')
  .option('--username <name>', 'for the broker (default, with a password: the thing id)')
  .option('--password <password>', 'for the broker: the secret of the thing, if it has one')
  .option('--ca <file>', 'with mqtts or wss: the certificate of the CA that the broker must have (PEM)', pemFile)
  .option('--cert <file>', 'a certificate for a broker that asks for one (PEM)', pemFile)
  .option('--key <file>', 'its private key (PEM)', pemFile)
  .option('--latency <ms>', 'milliseconds from a request to its answer', milliseconds, 200)
  .option('--fail-rate <share>', 'the share of requests, from 0 to 1, that fail', share, 0)
  .option('--reject-rate <share>', 'the share of requests, from 0 to 1, that are rejected', share, 0)
  .action(runDevice)

program
  .command('migrate')
  .description('Bring the Postgres at DATABASE_URL to the current schema, and end. `serve` does it by itself.')
  .action(async () => {
    const { databaseUrl } = readEnvironment()
    if (!databaseUrl) throw new ConfigError('DATABASE_URL: got nothing, expected the URL of the Postgres to migrate')
    const { migrateDatabase } = await import('./db/connect.ts')
    await migrateDatabase(databaseUrl)
    print('The database has the current schema.')
  })

program
  .command('export')
  .description('Write all things, types and executions to a file. The embedded database: while the service is stopped.')
  .option('--out <file>', 'where to (.gz: compressed; - is standard output)', '-')
  .option('--continue', 'go on with the file that an interrupted export left')
  .action(async (options: ExportOptions) => {
    const { runExport } = await import('./transfer/export.ts')
    await runExport(readEnvironment(), options)
  })

program
  .command('import')
  .description('Read the file of an export into the database. What is there already stays: interrupted, run it again.')
  .argument('<file>', 'the file of an export (.gz: compressed; - is standard input)')
  .action(async (file: string) => {
    const config = readEnvironment()
    const [{ runImport }, { partitionWidth }] = await Promise.all([
      import('./transfer/import.ts'),
      import('./domain/upkeep.ts'),
    ])
    await runImport(config, file, partitionWidth(config.retentionDays))
  })

addKeysCommand(program, { readEnvironment, print })

program
  .command('acl')
  .description('Print the access list for a broker: what this service needs, and what each thing may do.')
  .argument('<broker>', 'emqx or mosquitto', aclBroker)
  .option('--service-user <name...>', 'the user names that the service signs in with', serviceUser)
  .action(async (broker: AclBroker, { serviceUser = ['fleet-commands'] }: { serviceUser?: string[] }) => {
    const { formatAcl } = await import('./mqtt/acl.ts')
    process.stdout.write(formatAcl(broker, serviceUser))
  })

program
  .command('mosquitto-passwords')
  .description(
    'Write the password file for Mosquitto: every thing that has a secret. The embedded database: while the service is stopped.',
  )
  .option('--out <file>', 'where to, readable for nobody else (- is standard output)', '-')
  .option(
    '--include <file>',
    'a password file with the users that are no things, such as this service; they come first',
  )
  .action(async (options: PasswordsOptions) => {
    const { writeMosquittoPasswords } = await import('./transfer/mosquitto-passwords.ts')
    await writeMosquittoPasswords(readEnvironment(), options)
  })

program
  .command('schema')
  .description('Print the GraphQL schema.')
  .option('--out <file>', 'write it to a file instead')
  .action(async ({ out }: { out?: string }) => {
    const { printedSchema } = await import('./graphql/schema.ts')
    if (out) writeFileSync(out, printedSchema())
    else process.stdout.write(printedSchema())
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
})

/** What to do once the service is up; it may return what to stop before the service. */
type OnStarted = (app: App, config: Config) => Promise<(() => Promise<void>) | void>

async function runService(config: Config, onStarted: OnStarted): Promise<void> {
  // The embedded database alone takes more than can be saved.
  if (config.databaseUrl) keepMemorySmall(process.env['NODE_OPTIONS'])
  const log = createLogger(config.logLevel)
  const starting = start(config, log, onStarted)
  // From the beginning, so that a start that is given up leaves nothing behind either.
  onSignal(
    async () => {
      const { app, stopMore } = await starting
      log.info('stopping')
      await stopMore?.()
      await app.stop()
      log.info('stopped')
    },
    log,
    config.drainSeconds * 1000 + STOP_LIMIT_MS,
  )
  await starting
}

async function start(config: Config, log: Logger, onStarted: OnStarted) {
  const { startApp } = await import('./app.ts')
  const app = await startApp(config, log)
  const stopMore = await onStarted(app, config)
  log.info({ url: app.url, database: app.database, broker: app.broker }, 'started')
  return { app, stopMore }
}

interface DeviceFlags {
  url: string
  clientId?: string
  username?: string
  password?: string
  ca?: string
  cert?: string
  key?: string
  latency: number
  failRate: number
  rejectRate: number
}

async function runDevice(thingId: string, { latency, ...flags }: DeviceFlags): Promise<void> {
  const { formatDeviceEvent, startDevice } = await import('./device/device.ts')
  const stopping = new AbortController()
  const starting = startDevice({
    ...flags,
    thingId,
    latencyMs: latency,
    signal: stopping.signal,
    onEvent: (event) => print(formatDeviceEvent(event)),
  })
  onSignal(async () => {
    stopping.abort()
    // Stopped while it still looked for its broker, there is no device.
    const device = await starting.catch(() => undefined)
    await device?.stop()
  })
  await starting.catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error
  })
}

function onSignal(stop: () => Promise<void>, log?: Logger, limitMs = STOP_LIMIT_MS): void {
  let stopping = false
  const handle = () => {
    if (stopping) process.exit(FORCED_EXIT_CODE)
    stopping = true
    setTimeout(() => {
      log?.error('the service did not stop in time')
      process.exit(1)
    }, limitMs).unref()
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log?.error({ err: error }, 'the service did not stop in order')
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
}

/** Settings of the environment win over those of a .env file. */
function readEnvironment(): Config {
  try {
    if (existsSync('.env')) process.loadEnvFile('.env')
  } catch (error) {
    throw new ConfigError(`.env: ${error instanceof Error ? error.message : error}, expected lines such as PORT=4000`)
  }
  return readConfig(process.env)
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (!(error instanceof Error)) return String(error)
  const { code, syscall, path } = error as NodeJS.ErrnoException
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST: ${error.message}, expected an address of this machine`
  if (syscall === 'listen')
    return `PORT: ${error.message.replace(/^listen \w+: /, '')}, expected a free port that we may listen on (PORT=0 takes one)`
  if (syscall === 'mkdir' || path?.includes('fleet-commands.lock'))
    return `DATA_DIR: ${error.message}, expected a folder that we may write to`
  return code ? error.message : (error.stack ?? error.message)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
