import { isDeepStrictEqual } from 'node:util'
import { type Counts, currentColumns, invalid, isEnd, parseHeader, parseLine, type Row, TABLES } from './format.ts'
import { openSource } from './lines.ts'

/** How far an export came. */
export interface Position {
  /** Up to the end of the last whole line. */
  bytes: number
  counts: Counts
  isComplete: boolean
  /** Table and key of the last row; undefined where there is none yet. */
  table?: string
  after?: string[]
}

/** Reads how far the export came that left this file. Throws where it is none, or one of another schema. */
export async function findEnd(file: string): Promise<Position> {
  const position: Position = { bytes: 0, counts: {}, isComplete: false }
  let last: Row | undefined
  for await (const { number, text, isWhole } of openSource(file).lines) {
    if (!isWhole) break
    position.bytes += Buffer.byteLength(text) + 1
    if (number === 1) {
      checkColumns(text)
      continue
    }
    const parsed = parseLine(text, number)
    position.isComplete = isEnd(parsed)
    if (isEnd(parsed)) continue
    position.counts[parsed.table] = (position.counts[parsed.table] ?? 0) + 1
    last = parsed
  }
  if (position.bytes === 0) throw invalid(1, 'nothing', 'the header of an export; remove this file to begin anew')
  return last ? { ...position, table: last.table, after: keyOf(last) } : position
}

function checkColumns(text: string): void {
  if (!isDeepStrictEqual(parseHeader(text).columns, currentColumns()))
    throw invalid(1, 'the columns of an older version', 'those of this one: begin anew with another file')
}

const keyOf = (row: Row): string[] =>
  (TABLES.find(({ name }) => name === row.table)?.key ?? []).map((column) => String(row[column]))
