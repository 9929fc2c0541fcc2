/** What can be asked of a run. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { failure } from '../bench/processes/failure.ts'

export interface Options {
  scenarios: string[]
  /** Faults, or probes, in each scenario; absent: the scenario's own number. */
  count: number | undefined
  /** Of the soak and of the frozen reader; absent: the scenario's own. */
  durationSeconds: number | undefined
  /** How long the service is away while responses wait. */
  outageSeconds: number
  rate: number
  /** Commands a second; the soak runs at 70 % of it. */
  peak: number
  seed: number
  short: boolean
  entry: string
  /** A folder for journals and the service's logs. */
  logs: string
  out: string | undefined
}

const ENTRY = 'dist/cli.js'
/** A seed is a 32-bit number. */
const MAX_SEED = 2 ** 32 - 1

export function readOptions(argv: string[], names: readonly string[], logs: string): Options {
  const { scenario, duration, ...given } = new Command('npm run torture --')
    .description(
      'Kills, cuts, freezes and fills while commands run, and counts broken promises. See torture/README.md.',
    )
    .option('--scenario <names>', `all, or some of ${names.join(', ')}`, listOf(names), [...names])
    .option('--count <number>', 'faults, or probes, of each scenario', whole(1, 100_000))
    .option('--duration <seconds>', 'of the soak and of the frozen reader', whole(1, 86_400))
    .option('--outage-seconds <seconds>', 'how long the service is away while responses wait', whole(1, 3600), 60)
    .option('--rate <number>', 'commands a second', whole(1, 5000), 200)
    .option('--peak <number>', 'the measured peak; the soak runs at 70 % of it', whole(1, 50_000), 1000)
    .option('--seed <number>', 'decides faults and choices; printed', whole(0, MAX_SEED), Date.now() % MAX_SEED)
    .option('--short', 'for CI: a few of each, about a minute', false)
    .option('--entry <file>', 'the compiled command line of the build to torture', path, resolve(ENTRY))
    .option('--logs <folder>', 'keep journals and logs of the service there', path, logs)
    .option('--out <file>', 'write the results there as JSON', path)
    .allowExcessArguments(false)
    .parse(argv)
    .opts<Omit<Options, 'scenarios' | 'durationSeconds'> & { scenario: string[]; duration?: number }>()
  if (!existsSync(given.entry)) throw failure(`${given.entry}: not found; npm run build makes it`)
  return { ...given, scenarios: scenario, durationSeconds: duration }
}

/** Commander gives the default as a second argument, which `resolve` would take for a folder. */
const path = (text: string): string => resolve(text)

const listOf =
  (names: readonly string[]) =>
  (text: string): string[] => {
    if (text === 'all') return [...names]
    return text.split(',').map((name) => {
      if (names.includes(name.trim())) return name.trim()
      throw new InvalidArgumentError(`${name}: expected all, or some of ${names.join(', ')}`)
    })
  }

function whole(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text.trim()) || value < min || value > max)
      throw new InvalidArgumentError(`${text}: expected a whole number from ${min} to ${max}`)
    return value
  }
}
