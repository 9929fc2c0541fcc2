/** `npm run bench`: measures what was asked for, prints it, and leaves nothing behind. */
import { measureRounds } from './measure/rounds.ts'
import { readOptions } from './options.ts'
import { failure, isFailure } from './processes/failure.ts'
import { createScope } from './processes/scope.ts'
import { type Measured, ratiosOf } from './report/ratios.ts'
import { writeResults } from './report/results-file.ts'
import { ratiosTable, resultsTable, subscribersTable } from './report/tables.ts'
import { measureSubscribers } from './subscribers/measure.ts'
import { variantsOf } from './variants/variants.ts'

const INTERRUPTED_EXIT_CODE = 130

const scope = createScope()
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void interrupt())
try {
  await run()
} catch (error) {
  // After Ctrl-C everything ends, and whoever waits for it fails: that is no news.
  if (!interrupted) explain(error)
  process.exitCode = 1
} finally {
  await scope.close()
}

async function run(): Promise<void> {
  if (process.platform !== 'linux') throw failure('The bench reads CPU times from /proc: it runs on Linux only.')
  const options = readOptions(process.argv)
  const bench = { options, scope }
  const variants = variantsOf(bench)
  const countsSubscribers = options.only.includes('subscribers') && options.pair !== 'embedded'
  if (variants.length === 0 && !countsSubscribers)
    throw failure(`--only and --pair leave nothing to measure: ${options.only.join(', ')} on ${options.pair}`)
  const results = await measureRounds(scope, options, variants, report)
  const subscribers = countsSubscribers ? await measureSubscribers(bench, report) : undefined
  const text = describe({ results, subscribers })
  print(`\n${text}`)
  if (options.write) report(`written: ${await writeResults(options, text)}`)
}

function describe(measured: Measured): string {
  const { results, subscribers } = measured
  const ratios = ratiosOf(measured)
  const parts = [
    ratios.length > 0 ? `## Ratios\n\n${ratiosTable(ratios)}\n` : '',
    results.length > 0 ? `## Commands\n\n${resultsTable(results)}\n` : '',
    subscribers ? `## Subscribers\n\n${subscribersTable(subscribers)}\n` : '',
  ]
  return parts.filter(Boolean).join('\n')
}

async function interrupt(): Promise<void> {
  // The second time nobody is patient any longer.
  if (interrupted) process.exit(INTERRUPTED_EXIT_CODE)
  interrupted = true
  await scope.close()
  process.exit(INTERRUPTED_EXIT_CODE)
}

function explain(error: unknown): void {
  const text = isFailure(error) ? error.message : error instanceof Error ? error.stack : error
  process.stderr.write(`${text}\n`)
}

function report(line: string): void {
  process.stderr.write(`${line}\n`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
