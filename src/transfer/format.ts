/**
 * The file of an export: one JSON object a line. The first line is the header, the last one says how many rows there are, so
 * that a file that was cut off is told from a whole one. What is between is a row each: `{"table":"things","id":…}`, with the
 * columns as the database names them. Rows are JSON by the database and for the database: a number loses no digit on the way.
 */
import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { schema } from '../db/schema.ts'

const FORMAT = 'fleet-commands'
/** Goes up when files of before can no longer be read by the same rules; a new column is no reason. */
const VERSION = 1
const SHOWN_CHARACTERS = 60

export interface TransferTable {
  name: string
  columns: { name: string; type: string }[]
  /** The columns of its primary key, by which it is gone through. */
  key: string[]
}

/** All that there are, those that refer to others after these. */
export const TABLES: readonly TransferTable[] = Object.values(schema).map(describeTable)

function describeTable(table: PgTable): TransferTable {
  const { name, primaryKeys } = getTableConfig(table)
  const columns = Object.values(getTableColumns(table))
  const key = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary)
  return {
    name,
    columns: columns.map((column) => ({ name: column.name, type: column.getSQLType() })),
    key: key.map((column) => column.name),
  }
}

/** Rows by table. */
export type Counts = Record<string, number>

const headerSchema = z.object({
  format: z.literal(FORMAT),
  version: z.int().min(1),
  columns: z.record(z.string(), z.array(z.string())),
})
const endSchema = z.object({ end: z.record(z.string(), z.int()) })
const rowSchema = z.looseObject({ table: z.string() })

export type Header = z.infer<typeof headerSchema>
export type Row = z.infer<typeof rowSchema>

export const currentColumns = (): Header['columns'] =>
  Object.fromEntries(TABLES.map(({ name, columns }) => [name, columns.map((column) => column.name)]))

export function formatHeader(): string {
  const columns = currentColumns()
  return JSON.stringify({ format: FORMAT, version: VERSION, exportedAt: new Date().toISOString(), columns })
}

export const formatEnd = (counts: Counts): string => JSON.stringify({ end: counts })

/** `json` is an object of all columns. */
export const formatRow = ({ name }: TransferTable, json: string): string => `{"table":"${name}",${json.slice(1)}`

/** The header of a file that can be read here: of no newer version, and with no column that is not known. */
export function parseHeader(text: string): Header {
  const json = parseJson(text)
  const newer = z.object({ format: z.literal(FORMAT), version: z.int().min(VERSION + 1) }).safeParse(json)
  if (newer.success) {
    throw invalid(
      1,
      `version ${newer.data.version}`,
      `version ${VERSION}: this file was written by a newer Fleet Commands`,
    )
  }
  const header = headerSchema.safeParse(json)
  if (!header.success) throw invalid(1, quote(text), `the header of an export: {"format":"${FORMAT}","version":…`)
  const known = currentColumns()
  for (const [table, columns] of Object.entries(header.data.columns)) {
    const unknown = known[table] ? columns.find((column) => !known[table]?.includes(column)) : ''
    if (unknown === undefined) continue
    const got = unknown === '' ? `a table ${quote(table)}` : `a column ${quote(unknown)} of ${table}`
    throw invalid(1, got, 'only what this version has: this file was written by a newer Fleet Commands')
  }
  return header.data
}

/** A row, or the end with its counts. Throws where it is neither. */
export function parseLine(text: string, line: number): Row | { end: Counts } {
  const json = parseJson(text)
  const parsed = rowSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const end = endSchema.safeParse(json)
  if (end.success) return end.data
  throw invalid(line, quote(text), 'a row, as one JSON object: {"table":"executions","id":…}')
}

export const isEnd = (parsed: Row | { end: Counts }): parsed is { end: Counts } => !('table' in parsed)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What is wrong with a file, in the one line that the user sees. */
export const invalid = (line: number, got: string, expected: string): Error =>
  failure(`line ${line}: got ${got}, expected ${expected}`)

/** The code says that the message is for the user. */
export const failure = (message: string): Error => Object.assign(new Error(message), { code: 'TRANSFER_FAILED' })

function quote(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return JSON.stringify(text)
  return `${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))}… (${text.length} characters)`
}
