/** The rows of one page, newest first, and those that wait above it. Pure: no I/O. */
import type { ExecutionRowFragment } from '../generated/graphql.ts'

export type Row = ExecutionRowFragment

export const PAGE_SIZE = 50

export interface Rows {
  shown: readonly Row[]
  /** New ones that are not shown yet, at most a page of them: the newest. */
  waiting: readonly Row[]
  /** How many they are, with those that were too many to keep. */
  waitingCount: number
  hasOlder: boolean
  hasNewer: boolean
}

export interface Change {
  rows: readonly Row[]
  /** Whether new ones are shown at once. */
  isFollowing: boolean
  /** Whether a row belongs here by its status: one that is shown stays, whatever becomes of it. */
  belongs: (row: Row) => boolean
}

const newestFirst = (a: Row, b: Row): number => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

/** Takes changes in. Ids begin with the time, so their order is that of the list. */
export function applyChanges(rows: Rows, { rows: changed, isFollowing, belongs }: Change): Rows {
  const latest = latestOf(changed)
  const shown = replaceIn(rows.shown, latest)
  const waiting = replaceIn(rows.waiting, latest)
  const added = [...latest.values()].filter((row) => belongs(row) && isOfThisPage(row, rows) && !wasLeftOut(row, rows))
  const next = { ...rows, shown, waiting }
  if (added.length === 0) return next
  return isFollowing && !rows.hasNewer ? show(next, added) : hold(next, added)
}

/** Shows what waits. */
export const showWaiting = (rows: Rows): Rows => ({ ...show(rows, rows.waiting), waiting: [], waitingCount: 0 })

/** Of each execution the latest one: they come in order, and some come again. */
function latestOf(changed: readonly Row[]): Map<string, Row> {
  const latest = new Map<string, Row>()
  for (const row of changed) {
    const before = latest.get(row.id)
    if (!before || before.updatedAt <= row.updatedAt) latest.set(row.id, row)
  }
  return latest
}

/** Replaces what is there, and takes it out of `latest`. Rows that did not change stay the same objects. */
function replaceIn(rows: readonly Row[], latest: Map<string, Row>): readonly Row[] {
  if (!rows.some(({ id }) => latest.has(id))) return rows
  return rows.map((row) => {
    const change = latest.get(row.id)
    latest.delete(row.id)
    return change && change.updatedAt >= row.updatedAt ? change : row
  })
}

/** What is older than the last row is on a page further back, if there is one. */
function isOfThisPage({ id }: Row, { shown, hasOlder }: Rows): boolean {
  const last = shown.at(-1)
  return !hasOlder || last === undefined || id > last.id
}

/** Of more than a page that waits, the oldest ones are counted and not kept: they were counted before. */
function wasLeftOut({ id }: Row, { waiting, waitingCount }: Rows): boolean {
  const last = waiting.at(-1)
  return waitingCount > waiting.length && last !== undefined && id < last.id
}

function show(rows: Rows, added: readonly Row[]): Rows {
  const shown = [...added, ...rows.shown].sort(newestFirst)
  return { ...rows, shown: shown.slice(0, PAGE_SIZE), hasOlder: rows.hasOlder || shown.length > PAGE_SIZE }
}

function hold(rows: Rows, added: readonly Row[]): Rows {
  const waiting = [...added, ...rows.waiting].sort(newestFirst).slice(0, PAGE_SIZE)
  return { ...rows, waiting, waitingCount: rows.waitingCount + added.length }
}
