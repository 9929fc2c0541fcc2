/** Counts violations of the promises. Pure: it reads what was written down, and what the database says. */
import { isBroken } from './answers.ts'
import type { Entry, Evidence, Outage, Row } from './records.ts'

export const PROMISES = {
  acknowledgedLost: 'acknowledged, and not in the database',
  twoTerminals: 'two terminal statuses seen for one execution',
  settledLate: 'not settled by TTL + 1 s of service time',
  handedLate: 'handed to a device after its TTL',
  actedLate: 'acted on by a device after its TTL',
  executedTwice: 'executed twice for one executionId',
  intentTwice: 'one idempotency key, two executions or executed twice',
  answersLost: 'in-time answers lost',
  toldUncommitted: 'a subscriber was told of a status that is not in the database',
} as const

export type Promised = keyof typeof PROMISES
/** The executionIds or intents that violate each promise. */
export type Violations = Record<Promised, string[]>

type EntryOf<Kind extends Entry['kind']> = Extract<Entry, { kind: Kind }>

const SETTLE_GRACE_MS = 1000

export function findViolations(evidence: Evidence): Violations {
  const { entries, rows } = evidence
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  const acknowledged = ofKind(entries, 'acknowledged')
  const acted = ofKind(entries, 'acted')
  return {
    acknowledgedLost: unique(acknowledged.filter(({ executionId }) => !rowOf.has(executionId)).map(idOf)),
    twoTerminals: findTwoTerminals(entries, rows),
    settledLate: rows.filter((row) => isSettledLate(row, evidence)).map(({ id }) => id),
    handedLate: firstOfEach(ofKind(entries, 'received')).filter(isPast(rowOf)).map(idOf),
    actedLate: unique(acted.filter(isPast(rowOf)).map(idOf)),
    executedTwice: repeated(acted.map(idOf)),
    intentTwice: findIntentsTwice(acknowledged, acted, rows),
    answersLost: ofKind(entries, 'answered')
      .filter((answer) => isBroken(answer, rowOf.get(answer.executionId), evidence))
      .map(idOf),
    toldUncommitted: findToldUncommitted(ofKind(entries, 'told'), rowOf),
  }
}

function findTwoTerminals(entries: readonly Entry[], rows: readonly Row[]): string[] {
  const seen = new Map<string, Set<string>>()
  const note = (id: string, status: string) => {
    if (status === 'SENT') return
    seen.set(id, (seen.get(id) ?? new Set()).add(status))
  }
  for (const entry of entries)
    if (entry.kind === 'told' || entry.kind === 'acknowledged') note(entry.executionId, entry.status)
  for (const { id, status } of rows) note(id, status)
  return [...seen].filter(([, statuses]) => statuses.size > 1).map(([id]) => id)
}

const isSettledLate = (row: Row, evidence: Evidence): boolean => overdue(row, evidence) > SETTLE_GRACE_MS

/** Milliseconds of service time from the TTL to its end, of the one that was open longest. */
export const longestOverdue = (evidence: Evidence): number =>
  evidence.rows.reduce((longest, row) => Math.max(longest, overdue(row, evidence)), 0)

const overdue = ({ expiresAt, settledAt }: Row, { outages, readAt }: Evidence): number =>
  serviceTime(expiresAt, settledAt ?? readAt, outages)

/**
 * Milliseconds between two instants in which a replica was up and the database could be reached. Not those between two
 * outages that were less than a second apart: in that second the service lets answers that came in time go first.
 */
export function serviceTime(from: number, to: number, outages: readonly Outage[]): number {
  let total = Math.max(0, to - from)
  let counted = from
  let lastEnd = Number.NEGATIVE_INFINITY
  const down = outages.filter(({ part }) => part !== 'link').toSorted((a, b) => a.from - b.from)
  for (const outage of down) {
    const begin = Math.max(outage.from - lastEnd < SETTLE_GRACE_MS ? lastEnd : outage.from, counted)
    lastEnd = Math.max(lastEnd, outage.to)
    const end = Math.min(outage.to, to)
    if (end <= begin) continue
    total -= end - begin
    counted = end
  }
  return total
}

function isPast(rowOf: ReadonlyMap<string, Row>) {
  return ({ executionId, at }: { executionId: string; at: number }) =>
    at >= (rowOf.get(executionId)?.expiresAt ?? Infinity)
}

function findIntentsTwice(
  acknowledged: readonly EntryOf<'acknowledged'>[],
  acted: readonly EntryOf<'acted'>[],
  rows: readonly Row[],
): string[] {
  const executionsOf = new Map<string, Set<string>>()
  const note = (intent: string, id: string) => executionsOf.set(intent, (executionsOf.get(intent) ?? new Set()).add(id))
  for (const { intent, executionId } of [...acknowledged, ...acted]) note(intent, executionId)
  for (const { intent, id } of rows) if (intent !== null) note(intent, id)
  const inTwo = [...executionsOf].filter(([, ids]) => ids.size > 1).map(([intent]) => intent)
  return unique([...inTwo, ...repeated(acted.map(({ intent }) => intent))])
}

/** The truth never goes back, so a terminal status that was told must be the one that is there in the end. */
function findToldUncommitted(told: readonly EntryOf<'told'>[], rowOf: ReadonlyMap<string, Row>): string[] {
  const wrong = told.filter(({ executionId, status }) => {
    const row = rowOf.get(executionId)
    return !row || (status !== 'SENT' && row.status !== status)
  })
  return unique(wrong.map(idOf))
}

function ofKind<Kind extends Entry['kind']>(entries: readonly Entry[], kind: Kind): EntryOf<Kind>[] {
  return entries.filter((entry): entry is EntryOf<Kind> => entry.kind === kind)
}

/** What a broker began to hand out in time it may repeat after the TTL (MQTT 5, 3.3.2.3.3): the device knows it by then. */
function firstOfEach(received: readonly EntryOf<'received'>[]): EntryOf<'received'>[] {
  const first = new Map<string, EntryOf<'received'>>()
  for (const entry of received) if (!first.has(entry.executionId)) first.set(entry.executionId, entry)
  return [...first.values()]
}

const idOf = ({ executionId }: { executionId: string }): string => executionId

const unique = (values: readonly string[]): string[] => [...new Set(values)]

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>()
  return unique(values.filter((value) => seen.size === seen.add(value).size))
}
