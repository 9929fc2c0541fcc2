/** bench/RESULTS.md: the figures, and what they were measured on. Paths are from the root of the repository, where npm runs us. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { mosquittoEnvironment } from '../engines/mosquitto.ts'
import { postgresVersion } from '../engines/postgres.ts'
import type { Options } from '../options.ts'

const LIBRARIES = [
  'graphql',
  'graphql-yoga',
  'graphql-jit',
  'graphql-ws',
  'ws',
  'mqtt',
  'aedes',
  'postgres',
  'drizzle-orm',
  '@electric-sql/pglite',
]
const BYTES_PER_GB = 1_000_000_000

export async function writeResults(options: Options, tables: string): Promise<string> {
  const file = resolve('bench/RESULTS.md')
  writeFileSync(file, `${await heading(options)}\n${tables}\n`)
  return file
}

async function heading(options: Options): Promise<string> {
  const { rounds, seconds, breakIn, warmUp, things, keys, naiveKeys } = options
  const [cpu] = cpus()
  const keysOf = keys
    ? `with idempotency keys${naiveKeys ? '' : ' (not for the naive pipeline)'}`
    : 'without idempotency keys'
  return `# Results

Written by \`npm run bench -- --write\`; [README.md](README.md) says what each variant is and how the figures are taken.

| | |
| --- | --- |
| date | ${new Date().toISOString().slice(0, 10)} |
| machine | ${cpu?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / BYTES_PER_GB)} GB, for everything |
| engines | Node ${process.versions.node}, ${await postgresVersion(options.databaseUrl)}, ${mosquittoVersion()} |
| libraries | ${LIBRARIES.map(versionOf).join(', ')} |
| run | rounds: ${rounds}, interleaved; broken in for ${breakIn} s, ${seconds} s after ${warmUp} s of warm-up each; ${things.toLocaleString('en')} things; ${keysOf} |
`
}

function versionOf(library: string): string {
  const manifest = readFileSync(`node_modules/${library}/package.json`, 'utf8')
  return `${library} ${(JSON.parse(manifest) as { version: string }).version}`
}

/** `mosquitto -h` ends with a code of its own, and says its version in the first line. */
function mosquittoVersion(): string {
  try {
    return firstLine(execFileSync('mosquitto', ['-h'], { env: mosquittoEnvironment, encoding: 'utf8', stdio: 'pipe' }))
  } catch (error) {
    return firstLine(error instanceof Error && 'stdout' in error ? String(error.stdout) : '')
  }
}

const firstLine = (text: string): string =>
  text.split('\n')[0]?.replace('mosquitto version', 'Mosquitto') || 'Mosquitto'
