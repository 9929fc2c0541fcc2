/** `npm run bench`: measures what was asked for, prints it, and leaves nothing behind. */
import { measureRounds } from './measure/rounds.ts'
import { readOptions } from './options.ts'
import { failure, isFailure } from './processes/failure.ts'
import { createScope } from './processes/scope.ts'
import { resultsTable } from './report/tables.ts'
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
  const variants = variantsOf({ options, scope })
  const results = await measureRounds(scope, options, variants, report)
  print(`\n${resultsTable(results)}\n`)
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
