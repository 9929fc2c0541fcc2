import type { Config } from '../base/config.ts'
import type { Store } from '../db/connect.ts'
import { isRefusal } from '../db/errors.ts'
import { forgetStats } from '../db/execution-stats.ts'
import { createPartitionFor, createPartitionsAhead, type PartitionWidth } from '../db/partitions.ts'
import {
  type Counts,
  type Header,
  invalid,
  isEnd,
  parseHeader,
  parseLine,
  TABLES,
  type TransferTable,
} from './format.ts'
import { type Line, openSource } from './lines.ts'
import { openOrCreate } from './open.ts'
import { startProgress } from './progress.ts'

const BATCH = { rows: 1_000, characters: 2_000_000 }
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** By the first column of their keys: ids whose time decides in which partition they are. */
const PARTITIONED = ['executions', 'ignored_responses']

interface Batch {
  table: TransferTable
  lines: Line[]
  /** The highest first column of their keys. */
  highest: string
}

/**
 * Reads the rows of an export into a database. What is there already stays as it is, so an import that was interrupted is run
 * again; what came before a line that cannot be read stays, too.
 */
export async function runImport(config: Config, file: string, width: PartitionWidth): Promise<void> {
  const source = openSource(file)
  const { header, rows } = await readHeader(source.lines)
  const store = await openOrCreate(config)
  try {
    await createPartitionsAhead(store.db, width)
    const progress = startProgress('read', source.share)
    const writeBatch = createBatchWriter(store, header, width)
    let stored = 0
    let read = 0
    for await (const batch of inBatches(rows)) {
      stored += await writeBatch(batch)
      read += batch.lines.length
      progress.add(batch.table.name, batch.lines.length)
    }
    progress.end(`${stored} stored, ${read - stored} were there already`)
  } finally {
    await store.close()
  }
}

/** Before the database is opened: it is not made for a file that is none. */
async function readHeader(lines: AsyncGenerator<Line>): Promise<{ header: Header; rows: AsyncGenerator<Line> }> {
  const { value: first } = await lines.next()
  return { header: parseHeader(first?.text ?? ''), rows: lines }
}

/** Rows of one table together, as they come. Where a line is bad, what was good before it comes first. */
async function* inBatches(lines: AsyncGenerator<Line>): AsyncGenerator<Batch> {
  let batch: Batch | undefined
  let characters = 0
  try {
    for await (const { line, table, key } of readRows(lines)) {
      const isFull = batch && (batch.lines.length === BATCH.rows || characters + line.text.length > BATCH.characters)
      if (batch && (isFull || batch.table !== table)) {
        yield batch
        batch = undefined
      }
      if (!batch) {
        batch = { table, lines: [], highest: '' }
        characters = 0
      }
      batch.lines.push(line)
      characters += line.text.length
      if (key > batch.highest) batch.highest = key
    }
  } catch (error) {
    if (batch) yield batch
    throw error
  }
  if (batch) yield batch
}

/** Each row with its table, up to the line that says how many they are. Throws where that is missing: the file was cut off. */
async function* readRows(lines: AsyncGenerator<Line>) {
  const counts: Counts = {}
  let last = 1
  for await (const line of lines) {
    last = line.number
    const parsed = parseLine(line.text, line.number)
    if (isEnd(parsed)) return checkCounts(line.number, counts, parsed.end)
    const table = TABLES.find(({ name }) => name === parsed.table)
    if (!table) throw invalid(line.number, `a row of ${JSON.stringify(parsed.table)}`, `a table: ${tableNames()}`)
    counts[table.name] = (counts[table.name] ?? 0) + 1
    yield { line, table, key: firstKey(table, parsed[table.key[0] ?? ''], line.number) }
  }
  throw invalid(last + 1, 'the end of the file', 'a row, or the line {"end":…}: this file was cut off')
}

const tableNames = (): string => TABLES.map(({ name }) => name).join(', ')

function firstKey({ name, key }: TransferTable, value: unknown, line: number): string {
  if (typeof value !== 'string') throw invalid(line, `no ${key[0]} of a row of ${name}`, 'a string')
  if (PARTITIONED.includes(name) && !UUID.test(value)) throw invalid(line, JSON.stringify(value), `a UUID as ${key[0]}`)
  return value
}

function checkCounts(line: number, found: Counts, said: Counts): void {
  for (const { name } of TABLES) {
    if ((found[name] ?? 0) !== (said[name] ?? 0))
      throw invalid(
        line,
        `${found[name] ?? 0} rows of ${name}`,
        `${said[name] ?? 0}: lines are missing before this one`,
      )
  }
}

/** Stores batches, and returns how many rows of each were not there yet. */
function createBatchWriter({ db, run }: Store, header: Header, width: PartitionWidth) {
  let partitionsBelow = ''
  const statements = new Map(TABLES.map((table) => [table, insertInto(table, header.columns[table.name] ?? [])]))

  async function insert({ table, lines }: Pick<Batch, 'table' | 'lines'>): Promise<number> {
    const rows = `[${lines.map(({ text }) => text).join(',')}]`
    const [stored] = await run<{ count: number }>(statements.get(table) ?? '', [rows])
    return stored?.count ?? 0
  }

  /** One by one, to name the line at fault; what comes before it is stored. */
  async function insertEach({ table, lines }: Batch): Promise<number> {
    let count = 0
    for (const line of lines) {
      count += await insert({ table, lines: [line] }).catch((error: unknown) => {
        if (!isRefusal(error)) throw error
        throw invalid(line.number, `a row of ${table.name} that is refused (${messageOf(error)})`, 'one that fits')
      })
    }
    return count
  }

  return async (batch: Batch): Promise<number> => {
    if (PARTITIONED.includes(batch.table.name) && batch.highest >= partitionsBelow)
      partitionsBelow = await createPartitionFor(db, width, batch.highest)
    try {
      return await insert(batch).catch((error: unknown) => {
        if (!isRefusal(error)) throw error
        return insertEach(batch)
      })
    } finally {
      // A service may have counted what was there, and would not see what came to it.
      if (batch.table.name === 'executions') await forgetStats(db)
    }
  }
}

/** The columns that the file has: others get their defaults. */
function insertInto({ name, columns, key }: TransferTable, present: string[]): string {
  const given = columns.filter((column) => present.includes(column.name))
  const names = given.map((column) => column.name)
  // No key of `executions` holds for open and settled ones: one that was settled since must not be open once more.
  const [onlyNew, conflict] =
    name === 'executions'
      ? ['where not exists (select from executions as stored where stored.id = given.id)', '']
      : ['', `(${key})`]
  return `
    with stored as (
      insert into ${name} (${names})
      select ${names} from json_to_recordset($1::text::json) as given(${given.map((one) => `${one.name} ${one.type}`)})
      ${onlyNew}
      on conflict ${conflict} do nothing returning 1
    ) select count(*)::integer as count from stored`
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
