/** `npm run torture`: plays the scenarios that were asked for, prints what they found, and leaves nothing behind. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFailure } from '../bench/processes/failure.ts'
import { createScope, type Scope } from '../bench/processes/scope.ts'
import { type Measure, measureOf, measuresTable } from './measures.ts'
import { type Options, readOptions } from './options.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/all.ts'

const INTERRUPTED_EXIT_CODE = 130
/** Ctrl-C comes from the terminal, and again from npm, which passes it on. */
const ONE_SIGNAL_MS = 1000

let scope: Scope = createScope()
let interrupted: number | undefined
const logs = mkdtempSync(join(tmpdir(), 'fleet-torture-'))

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void interrupt())
try {
  await run()
} catch (error) {
  // After Ctrl-C everything ends, and whoever waits for it fails: that is no news.
  if (interrupted === undefined) report(explain(error))
  process.exitCode = 1
} finally {
  await scope.close()
  rmSync(logs, { recursive: true, force: true })
}

async function run(): Promise<void> {
  const options = readOptions(
    process.argv,
    SCENARIOS.map(({ name }) => name),
    logs,
  )
  const wanted = SCENARIOS.filter(({ name, short }) => options.scenarios.includes(name) && (short || !options.short))
  report(`seed ${options.seed}`)
  const measures: Measure[] = []
  for (const scenario of wanted) measures.push(...(await play(scenario, options)))
  process.stdout.write(`\n${measuresTable(measures)}\n\nseed ${options.seed}\n`)
  for (const { scenario, measure, examples } of measures)
    if (examples) report(`${scenario}: ${measure}: ${examples.join(' ')}`)
  if (options.out) writeFileSync(options.out, JSON.stringify({ seed: options.seed, measures }, undefined, 2))
  if (measures.some(({ met }) => met === false)) process.exitCode = 1
}

async function play({ name, run: runScenario }: Scenario, options: Options): Promise<Measure[]> {
  const startedAt = performance.now()
  report(`\n${name}`)
  scope = createScope()
  try {
    return await runScenario({
      name,
      scope,
      options,
      // With the time, to be found in the logs of the replicas.
      report: (line) => report(`  ${new Date().toISOString()} ${line}`),
      times: (usual, short) => options.count ?? (options.short ? short : usual),
    })
  } catch (error) {
    if (interrupted !== undefined) throw error
    report(`  ${explain(error)}`)
    return [measureOf(name, 'the scenario ran', 'yes', isFailure(error) ? error.message : String(error), false)]
  } finally {
    await scope.close()
    report(`  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
}

async function interrupt(): Promise<void> {
  if (interrupted !== undefined) {
    // The second time nobody is patient any longer.
    if (Date.now() - interrupted > ONE_SIGNAL_MS) process.exit(INTERRUPTED_EXIT_CODE)
    return
  }
  interrupted = Date.now()
  await scope.close()
  rmSync(logs, { recursive: true, force: true })
  process.exit(INTERRUPTED_EXIT_CODE)
}

function explain(error: unknown): string {
  if (isFailure(error)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function report(line: string): void {
  process.stderr.write(`${line}\n`)
}
