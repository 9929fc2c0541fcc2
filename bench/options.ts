/** What can be asked of a run. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { failure } from './processes/failure.ts'
import { MEASUREMENTS, type Measurement } from './variants/names.ts'

export interface Options {
  only: Measurement[]
  pair: 'services' | 'embedded' | 'both'
  inFlight: number[]
  rounds: number
  seconds: number
  breakIn: number
  warmUp: number
  things: number
  keys: boolean
  naiveKeys: boolean
  entry: string
  serviceLog: string
  databaseUrl: string
  write: boolean
}

const DEFAULT_DATABASE_URL = 'postgres://postgres@127.0.0.1:5432/postgres'
const DEFAULT_IN_FLIGHT = [1, 16, 64, 256]
const ENTRY = 'dist/cli.js'

/** Ends the process with one line where an option is bad; throws a failure where a setting is. */
export function readOptions(argv: string[]): Options {
  const given = new Command('npm run bench --')
    .description('Measures the service beside its floors and the naive pipeline, on this machine. See bench/README.md.')
    .option('--only <names>', `of ${MEASUREMENTS.join(', ')}`, names, [...MEASUREMENTS])
    .addOption(
      new Option('--pair <pair>', 'what the service runs on').choices(['services', 'embedded', 'both']).default('both'),
    )
    .option('--in-flight <numbers>', 'how many commands are on their way at a time', levels, DEFAULT_IN_FLIGHT)
    .option('--rounds <number>', 'how often each is measured; medians are shown', whole(1, 100), 3)
    .option('--seconds <number>', 'length of a measuring window', whole(1, 3600), 5)
    .option('--break-in <number>', 'seconds at the greatest level before the first round', whole(0, 3600), 10)
    .option('--warm-up <number>', 'seconds before it', whole(0, 3600), 2)
    .option('--things <number>', 'size of the fleet', whole(1, 20_000), 1000)
    .option('--no-keys', 'send without idempotency keys')
    .option('--naive-keys', 'the naive pipeline, too, gets idempotency keys, and keeps them', false)
    .option('--entry <file>', 'the compiled command line of the build to measure', file, resolve(ENTRY))
    .option('--service-log <file>', "where the service's log goes", '/dev/null')
    .option('--write', 'write bench/RESULTS.md', false)
    .addHelpText('after', `\nDATABASE_URL: a Postgres that lets us create databases (${DEFAULT_DATABASE_URL}).`)
    .allowExcessArguments(false)
    .parse(argv)
    .opts<Omit<Options, 'databaseUrl'>>()
  if (!existsSync(given.entry)) throw failure(`${given.entry}: not found; npm run build makes it`)
  return { ...given, databaseUrl: readDatabaseUrl() }
}

function readDatabaseUrl(): string {
  const url = process.env['DATABASE_URL'] || DEFAULT_DATABASE_URL
  if (/^postgres(ql)?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) return url
  throw failure('DATABASE_URL: got something else, expected one such as postgres://user:password@host:5432/database')
}

function names(text: string): Measurement[] {
  return text.split(',').map((name) => {
    const known = MEASUREMENTS.find((measurement) => measurement === name.trim())
    if (!known) throw new InvalidArgumentError(`${name}: expected some of ${MEASUREMENTS.join(', ')}`)
    return known
  })
}

const levels = (text: string): number[] => [...new Set(text.split(',').map(whole(1, 10_000)))].sort((a, b) => a - b)

function whole(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text.trim()) || value < min || value > max)
      throw new InvalidArgumentError(`${text}: expected a whole number from ${min} to ${max}`)
    return value
  }
}

function file(path: string): string {
  if (!existsSync(path)) throw new InvalidArgumentError('expected a file that exists, such as dist/cli.js')
  return resolve(path)
}
