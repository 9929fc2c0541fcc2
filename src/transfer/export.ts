import { createWriteStream, existsSync, truncateSync } from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Config } from '../base/config.ts'
import type { RunStatement } from '../db/statement.ts'
import { findEnd, type Position } from './continue.ts'
import { type Counts, failure, formatEnd, formatHeader, formatRow, TABLES, type TransferTable } from './format.ts'
import { isCompressed } from './lines.ts'
import { openExisting } from './open.ts'
import { type Progress, startProgress } from './progress.ts'

/** A page is read whole, and written before the next one is read: that is all that is in memory. */
const PAGE = { maxRows: 1_000, characters: 2_000_000 }

export interface ExportOptions {
  /** A file (`.gz`: compressed), or `-` for standard output. */
  out: string
  /** Whether to go on with a file that an interrupted export left. */
  continue?: boolean
}

/** Writes all rows of a database to a file, or to standard output. */
export async function runExport(config: Config, options: ExportOptions): Promise<void> {
  const position = options.continue ? await findPosition(options.out) : undefined
  if (position?.isComplete) return startProgress('exported').end(`${options.out} is complete already`)
  if (!position && options.out !== '-' && existsSync(options.out))
    throw failure(`--out: got ${options.out}, which exists; expected a new file, or --continue to go on with this one`)
  const store = await openExisting(config)
  try {
    if (position) truncateSync(options.out, position.bytes)
    await exportRows(store.run, openOutput(options.out, position), position)
  } finally {
    await store.close()
  }
}

function findPosition(out: string): Promise<Position> {
  if (out === '-' || isCompressed(out) || !existsSync(out))
    throw failure(`--continue: got --out ${out}, expected a file that is there and not compressed`)
  return findEnd(out)
}

function openOutput(out: string, position: Position | undefined): Writable[] {
  if (out === '-') return [process.stdout]
  const file = createWriteStream(out, { flags: position ? 'a' : 'wx', flush: true })
  return isCompressed(out) ? [createGzip(), file] : [file]
}

/** Writes as fast as the output takes it. */
export async function exportRows(run: RunStatement, output: Writable[], position?: Position): Promise<void> {
  const progress = startProgress('exported')
  try {
    await pipeline([Readable.from(exportLines(run, progress, position)), ...output])
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE')
      throw failure('--out: got a reader that went away before the end, expected one that reads everything')
    throw error
  }
  progress.end()
}

async function* exportLines(run: RunStatement, progress: Progress, position?: Position): AsyncGenerator<string> {
  const counts: Counts = { ...position?.counts }
  if (!position) yield `${formatHeader()}\n`
  const first = TABLES.findIndex(({ name }) => name === position?.table)
  for (const table of TABLES.slice(Math.max(first, 0))) {
    for await (const lines of readPages(run, table, table.name === position?.table ? position.after : undefined)) {
      counts[table.name] = (counts[table.name] ?? 0) + lines.length
      progress.add(table.name, lines.length)
      yield `${lines.join('\n')}\n`
    }
  }
  yield `${formatEnd(counts)}\n`
}

/** The rows of a table in the order of its key, from after this one on. Pages are shorter where rows are long. */
async function* readPages(run: RunStatement, table: TransferTable, from?: string[]): AsyncGenerator<string[]> {
  let after = from
  let limit = PAGE.maxRows
  for (;;) {
    const rows = await run<{ json: string; key: string[] }>(pageOf(table, after !== undefined), [
      limit,
      ...(after ?? []),
    ])
    const last = rows.at(-1)
    if (!last) return
    yield rows.map(({ json }) => formatRow(table, json))
    if (rows.length < limit) return
    after = last.key
    const characters = rows.reduce((sum, { json }) => sum + json.length, 0)
    limit = Math.max(1, Math.min(PAGE.maxRows, Math.floor((PAGE.characters * rows.length) / characters)))
  }
}

const pageOf = ({ name, columns, key }: TransferTable, isContinued: boolean): string => {
  const typeOf = (wanted: string) => columns.find((column) => column.name === wanted)?.type
  const after = key.map((column, index) => `$${index + 2}::${typeOf(column)}`)
  return `
    select row_to_json(page)::text as json, array[${key.map((column) => `page.${column}::text`)}] as key
    from (
      select ${columns.map(asJsonValue)} from ${name} as source
      ${isContinued ? `where (${key.map((column) => `source.${column}`)}) > (${after})` : ''}
      order by ${key.map((column) => `source.${column}`)} limit $1::bigint
    ) as page order by ${key.map((column) => `page.${column}`)}`
}

/** Instants in UTC, whatever the time zone of the session: the same row is the same line from whichever database. */
const asJsonValue = ({ name, type }: TransferTable['columns'][number]): string =>
  type.startsWith('timestamp')
    ? `to_char(source.${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${name}`
    : `source.${name}`
