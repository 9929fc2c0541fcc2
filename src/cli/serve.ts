/** `fleet-commands serve` and `demo`: the service. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { App } from '../app.ts'
import { banner, nextSteps } from '../banner.ts'
import type { Config } from '../base/config.ts'
import { NO_TLS } from '../base/config-tls.ts'
import { createLogger, type Logger } from '../base/log.ts'
import { isLoopback } from '../base/loopback.ts'
import { keepMemorySmall } from '../base/memory.ts'
import { print, readEnvironment } from './environment.ts'
import { makeDemoKey } from './keys.ts'
import { onSignal, STOP_LIMIT_MS } from './signals.ts'

export function addServiceCommands(program: Command): void {
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
        ...NO_TLS,
        dataDir,
      }
      // Where others reach it, it is for those who know the key.
      const key = isLoopback(config.host) ? undefined : await makeDemoKey(config)
      return runService({ ...config, logLevel: process.env['LOG_LEVEL'] ? config.logLevel : 'warn' }, async (app) => {
        const { startDemo } = await import('../demo.ts')
        const demo = await startDemo(app, key)
        print(`${banner(app, dataDir)}\n${demo.text}`)
        return demo.stop
      })
    })
}

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
  const { startApp } = await import('../app.ts')
  const app = await startApp(config, log)
  const stopMore = await onStarted(app, config)
  log.info({ url: app.url, database: app.database, broker: app.broker }, 'started')
  return { app, stopMore }
}
