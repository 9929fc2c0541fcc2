/** Statistics by going through all executions: what those of the service must come to. */
import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Store } from '../../src/db/connect.ts'
import { executionStatus, executions } from '../../src/db/schema.ts'
import type { Execution, ExecutionStatus } from '../../src/domain/execution.ts'
import { type ExecutionFilter, matchesFilter } from '../../src/domain/filter.ts'
import { type ExecutionStats, readExecutionStats, type Tally } from '../../src/domain/stats.ts'
import type { StatsBucket } from '../../src/domain/stats-range.ts'
import { findWorstActions, findWorstThings } from '../../src/domain/worst.ts'

export interface StatsSeed {
  thingId: string
  thingType: string | null
  action: string
  status: ExecutionStatus
  createdAt: Date
  /** Where it is settled. */
  tookMs: number
}

export async function seedForStats({ db }: Pick<Store, 'db'>, rows: readonly StatsSeed[]): Promise<string[]> {
  if (rows.length === 0) return []
  const values = rows.map(({ tookMs, createdAt, ...row }) => {
    const settledAt = row.status === 'SENT' ? null : new Date(createdAt.getTime() + tookMs)
    const id = sql`uuid_v7(${createdAt.toISOString()}::timestamptz)`
    const expiresAt = new Date(Date.now() + 86_400_000)
    return { ...row, id, params: {}, ttl: 86_400, createdAt, expiresAt, settledAt, updatedAt: settledAt ?? createdAt }
  })
  return (await db.insert(executions).values(values).returning({ id: executions.id })).map(({ id }) => id)
}

type Db = Pick<Store, 'db'>

/** Compares every number with what going through all executions comes to, and returns the statistics. */
export async function checkStats({ db }: Db, filter: ExecutionFilter, bucket: StatsBucket): Promise<ExecutionStats> {
  const stats = await readExecutionStats({ db }, filter, bucket)
  const all = await db.select().from(executions)
  const createdAt = { from: stats.from, to: stats.to }
  const rows = all.filter((row) => matchesFilter(row, { ...filter, createdAt }))
  expect({ filter, counts: stats.counts }).toEqual({ filter, counts: countsOf(rows) })
  expect(stats.countedFrom).toEqual(stats.from)
  for (const one of [stats, ...stats.buckets]) compare(one, rows)
  expect(stats.buckets[0]?.from).toEqual(stats.from)
  expect(stats.buckets.at(-1)?.to).toEqual(stats.to)
  const worst = { ...filter, createdAt }
  const failing = rows.filter(({ status }) => status === 'FAILED' || status === 'TIMED_OUT')
  const actions = await findWorstActions({ db }, worst, bucket, 5)
  expect(actions.map((one) => [one.action, one.failed, one.timedOut])).toEqual(worstOf(failing, ({ action }) => action))
  for (const { action, total } of actions) expect(total).toBe(rows.filter((row) => row.action === action).length)
  const things = await findWorstThings({ db }, worst, bucket, 5)
  expect(things.map((one) => [one.thingId, one.failed, one.timedOut])).toEqual(
    worstOf(failing, ({ thingId }) => thingId),
  )
  return stats
}

export const countsOf = (rows: readonly Execution[]): Record<ExecutionStatus, number> =>
  Object.fromEntries(
    executionStatus.enumValues.map((status) => [status, rows.filter((row) => row.status === status).length]),
  ) as Record<ExecutionStatus, number>

function compare({ from, to, counts, roundTrip }: Tally, rows: readonly Execution[]): void {
  const within = rows.filter(({ createdAt }) => createdAt >= from && createdAt < to)
  expect(counts).toEqual(countsOf(within))
  const times = within
    .filter(({ status }) => ['SUCCEEDED', 'FAILED', 'REJECTED'].includes(status))
    .map(({ createdAt, settledAt }) => Math.max(1, (settledAt?.getTime() ?? 0) - createdAt.getTime()))
    .sort((a, b) => a - b)
  expect(roundTrip.answers).toBe(times.length)
  for (const [share, found] of [
    [0.5, roundTrip.p50],
    [0.95, roundTrip.p95],
    [0.99, roundTrip.p99],
  ] as const) {
    const exact = times[Math.ceil(share * times.length) - 1]
    // The percentile itself is rounded to a tenth of a millisecond.
    if (exact === undefined) expect(found).toBe(null)
    else expect(Math.abs((found ?? 0) - exact)).toBeLessThanOrEqual(0.05 * exact + 0.1)
  }
}

function worstOf(failing: readonly Execution[], nameOf: (row: Execution) => string) {
  const count = (name: string, status: ExecutionStatus) =>
    failing.filter((row) => nameOf(row) === name && row.status === status).length
  return [...new Set(failing.map(nameOf))]
    .map((name): [string, number, number] => [name, count(name, 'FAILED'), count(name, 'TIMED_OUT')])
    .sort(([one, a, b], [other, c, d]) => c + d - a - b || (one < other ? -1 : 1))
    .slice(0, 5)
}
