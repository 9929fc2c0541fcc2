import { chmodSync, createWriteStream, readFileSync, renameSync, rmSync } from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../base/config.ts'
import type { RunStatement } from '../db/statement.ts'
import { failure } from './format.ts'
import { openExisting } from './open.ts'

export interface PasswordsOptions {
  /** A file, or `-` for standard output. */
  out: string
  /** A password file with users that are no things, such as the service: its lines come first. */
  include?: string
}

interface Row {
  thing_id: string
  hash: string
}

const PAGE = 5_000
const ONLY_OURS = 0o600

/** Writes the password file of all things that have a secret: the user name is the thing's id. */
export async function writeMosquittoPasswords(config: Config, { out, include }: PasswordsOptions): Promise<void> {
  const others = include === undefined ? '' : readOthers(include)
  const store = await openExisting(config)
  try {
    const lines = Readable.from(formatPasswords(store.run, others))
    await (out === '-' ? writeTo(lines, process.stdout) : writeFileAtOnce(lines, out))
  } finally {
    await store.close()
  }
}

/** Under another name first: a broker that reads its file again meanwhile finds a whole one. */
async function writeFileAtOnce(lines: Readable, out: string): Promise<void> {
  const unfinished = `${out}.${process.pid}.new`
  try {
    await writeTo(lines, createWriteStream(unfinished, { flags: 'wx', mode: ONLY_OURS, flush: true }))
    // Whatever the umask made of it.
    chmodSync(unfinished, ONLY_OURS)
    renameSync(unfinished, out)
  } catch (error) {
    rmSync(unfinished, { force: true })
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    throw failure(`--out: ${error.message}, expected a file that we may write`)
  }
}

async function writeTo(lines: Readable, output: Writable): Promise<void> {
  await pipeline(lines, output)
}

async function* formatPasswords(run: RunStatement, others: string): AsyncGenerator<string> {
  const taken = new Set(others.split('\n').map(userOf))
  yield others
  for (let after = ''; ; ) {
    const rows = await run<Row>(SELECT, [after, PAGE])
    // A thing that is called like another user would get its rights.
    yield rows
      .filter(({ thing_id }) => !taken.has(thing_id))
      .map(({ thing_id, hash }) => `${thing_id}:${hash}\n`)
      .join('')
    after = rows.at(-1)?.thing_id ?? ''
    if (rows.length < PAGE) return
  }
}

const SELECT = `
  select thing_id, hash from thing_secrets where thing_id > $1::text order by thing_id limit $2::int`

function readOthers(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    return text === '' || text.endsWith('\n') ? text : `${text}\n`
  } catch (error) {
    throw failure(`--include: ${error instanceof Error ? error.message : error}, expected a password file of Mosquitto`)
  }
}

const userOf = (line: string): string => line.slice(0, line.indexOf(':'))
