/** A Postgres of the harness's own, durable as by default, which can be restarted as if it had crashed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure } from '../../bench/processes/failure.ts'
import type { Scope } from '../../bench/processes/scope.ts'
import { freePort } from './ports.ts'

export interface Postgres {
  url: string
  /** `pg_ctl restart -m immediate`: every connection is cut, and the log is replayed. Resolves once it lets us in again. */
  restart(): Promise<void>
}

const VERSIONS = '/usr/lib/postgresql'

export async function startPostgres(scope: Scope): Promise<Postgres> {
  const bin = findBinaries()
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'fleet-torture-postgres-'))
  scope.defer(() => rmSync(folder, { recursive: true, force: true }))
  giveToPostgres(folder)
  const data = join(folder, 'data')
  const control = (...words: string[]) =>
    runAsPostgres([join(bin, 'pg_ctl'), '-w', '-D', data, '-l', join(folder, 'log'), ...words])
  await runAsPostgres([join(bin, 'initdb'), '-A', 'trust', '--no-sync', '-U', 'postgres', '-D', data])
  scope.defer(() => control('-m', 'immediate', 'stop'))
  await control('-o', `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1`, 'start')
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    restart: () => control('-m', 'immediate', 'restart'),
  }
}

function findBinaries(): string {
  try {
    const newest = readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a))[0]
    if (newest) return join(VERSIONS, newest, 'bin')
  } catch {}
  throw failure(`${VERSIONS}: not found, expected a Postgres (Debian: apt-get install postgresql)`)
}

const isRoot = process.getuid?.() === 0

/** Postgres refuses to run as root. */
function giveToPostgres(folder: string): void {
  if (!isRoot) return
  const { uid, gid } = statSync('/var/lib/postgresql')
  chownSync(folder, uid, gid)
}

async function runAsPostgres(words: string[]): Promise<void> {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const [command, ...rest] = isRoot ? ['su', 'postgres', '-c', quoted] : ['sh', '-c', quoted]
  // Postgres keeps what it inherits: a pipe would never end. A group of its own: Ctrl-C must not stop it before us.
  const child = spawn(command ?? 'sh', rest, { stdio: 'ignore', cwd: tmpdir(), detached: true })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw failure(`${words.join(' ')}: ended with ${code}`)
}
