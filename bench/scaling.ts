/**
 * Checks the simulation of docs/scaling.md against what can be measured on this machine: `npx tsx bench/scaling.ts`. Needs
 * `npm run build`, a Postgres (DATABASE_URL) and a mosquitto, and takes about two minutes; `--only simulate` takes seconds.
 * SERVICE_NODE_OPTIONS is given to the service as NODE_OPTIONS. Everything it starts it ends, and its databases are dropped.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createScope } from './processes/scope.ts'
import { measureBytes } from './scaling-bytes.ts'
import { SERVICE } from './scaling-constants.ts'
import { measureFleet } from './scaling-fleet.ts'
import { simulate } from './scaling-model.ts'
import { openReplicas } from './scaling-stack.ts'
import { predictTogether } from './scaling-statement-model.ts'
import { measureStatements } from './scaling-statements.ts'
import { measureWindowOf, type Window } from './scaling-windows.ts'
import type { Bench } from './variants/variant.ts'

const PARTS = ['simulate', 'statements', 'rates', 'bytes', 'fleet'] as const
const BATCHES = [1, 10, 50, 100, 250]
const MAX_BATCH = 250
const SIMULATED_SECONDS = 3
/** For each replica. Undefined: neither load nor subscriber. */
const ONE_REPLICA = [[1], [16], [64], [256]]
const TWO_REPLICAS = [
  [8, 8],
  [32, 32],
  [128, 128],
  [256, undefined],
]
/** A window in which others took more is measured again, so often at most. */
const TOLERATED_CORES = 0.15
const TRIES = 3

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    seconds: { type: 'string', default: '3' },
    entry: { type: 'string', default: 'dist/cli.js' },
  },
})
const parts = values.only.split(',')
const cores = availableParallelism()

const scope = createScope()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void scope.close().then(() => process.exit(130)))
try {
  if (parts.includes('simulate')) simulateAll()
  if (parts.includes('statements')) await checkStatements()
  if (parts.includes('fleet')) await reportFleet()
  if (parts.includes('bytes')) await reportBytes()
  if (parts.includes('rates')) await checkRates()
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exitCode = 1
} finally {
  await scope.close()
}

function benchOf(): Bench {
  return {
    scope,
    options: {
      only: [],
      pair: 'services',
      inFlight: [],
      rounds: 1,
      seconds: Number(values.seconds),
      breakIn: 0,
      warmUp: 1.5,
      things: 1000,
      keys: true,
      naiveKeys: false,
      entry: resolve(values.entry),
      serviceLog: '/dev/null',
      databaseUrl: process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres',
      write: false,
    },
  }
}

/** What nobody has measured: smaller batches by force, and processes with more cores. */
function simulateAll(): void {
  say('\nSimulated: 256 in flight, one replica, by the greatest batch')
  for (const maxBatch of [1, 10, 50, MAX_BATCH]) sayPrediction(`at most ${maxBatch}`, [256], 2, maxBatch)
  say('\nSimulated: 2,000 in flight in all, 8 cores and 32, by replicas that hear everything and that share')
  for (const most of [8, 32])
    for (const replicas of [1, 2, 4])
      for (const hearsAll of [true, false])
        sayPrediction(
          `${most} cores, ${replicas} replicas, ${hearsAll ? 'all' : 'shared'}`,
          Array.from({ length: replicas }, () => 2_000 / replicas),
          most,
          MAX_BATCH,
          hearsAll,
        )
}

function sayPrediction(name: string, inFlight: number[], most: number, maxBatch: number, hearsAll = true): void {
  const setting = { cores: most, inFlight, maxBatch, hearsAll, seconds: SIMULATED_SECONDS }
  const { perSecond, p50, cpu, meanBatch } = simulate(SERVICE, setting)
  const each = Object.entries(cpu).map(([process, micros]) => `${process} ${micros.toFixed(0)}`)
  say(
    `  ${name.padEnd(28)} ${perSecond.toFixed(0).padStart(7)}/s  p50 ${p50.toFixed(1)} ms  batch ${meanBatch.toFixed(1)}  ${each.join(', ')} µs`,
  )
}

async function checkStatements(): Promise<void> {
  say('\nBatches at the database alone, commands a second: predicted, measured, error')
  for (const figures of await measureStatements(BATCHES)) {
    const predicted = predictTogether(figures.batch, Math.max(0.5, cores - figures.othersCores))
    say(`  ${JSON.stringify(figures)}`)
    say(`  ${String(figures.batch).padStart(4)} ${compare(predicted, figures.together)}`)
  }
}

async function checkRates(): Promise<void> {
  say('\nThe service, predicted, measured, error: settled a second; p50 in ms')
  for (const [count, settings] of [
    [1, ONE_REPLICA],
    [2, TWO_REPLICAS],
  ] as const) {
    const stack = await openReplicas(benchOf(), count)
    // A service that has run for a while is a faster one.
    await measureWindowOf(benchOf(), stack, settings.at(-2) ?? [])
    for (const inFlight of settings)
      reportRate(inFlight, await quietest(() => measureWindowOf(benchOf(), stack, inFlight)))
  }
}

async function quietest(measure: () => Promise<Window>): Promise<Window> {
  let best = await measure()
  for (let tries = 1; tries < TRIES && best.othersCores > TOLERATED_CORES; tries++) {
    const again = await measure()
    if (again.othersCores < best.othersCores) best = again
  }
  return best
}

/** The simulation gets the cores that others left. */
function reportRate(inFlight: readonly (number | undefined)[], window: Window): void {
  const left = Math.max(0.5, cores - Math.max(0, window.othersCores))
  const setting = { cores: left, inFlight: inFlight.map((count) => count ?? 0), maxBatch: MAX_BATCH, hearsAll: true }
  const predicted = simulate(SERVICE, { ...setting, seconds: SIMULATED_SECONDS })
  const name = `${inFlight.length} × ${inFlight.map((count) => count ?? '-').join('+')}`
  say(
    `  ${name.padEnd(14)} ${compare(predicted.perSecond, window.perSecond)}   ${compare(predicted.p50, window.p50)}   others ${window.othersCores.toFixed(2)} cores`,
  )
  say(`    predicted ${JSON.stringify(predicted.cpu)} batch ${predicted.meanBatch.toFixed(1)}`)
  say(`    measured  ${JSON.stringify(window)}`)
}

async function reportBytes(): Promise<void> {
  for (const inFlight of [1, 64]) {
    say(`\nBytes for each command at ${inFlight} in flight; and messages, where they are told apart`)
    for (const { what, bytes, messages } of await measureBytes(benchOf(), inFlight))
      if (bytes > 0) say(`  ${what.padEnd(40)} ${bytes.toFixed(0).padStart(6)}  ${messages.toFixed(2)}`)
  }
}

async function reportFleet(): Promise<void> {
  const { row, remembered, session } = await measureFleet()
  say('\nBytes for each thing')
  say(
    `  in the registry ${row.toFixed(0)}, remembered by a replica ${remembered.toFixed(0)}, connected to Mosquitto ${session.toFixed(0)}`,
  )
}

function compare(predicted: number, measured: number): string {
  const error = `${(100 * (predicted / measured - 1)).toFixed(0)} %`
  return `${predicted.toFixed(1).padStart(8)} ${measured.toFixed(1).padStart(8)} ${error.padStart(6)}`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
