import { describe, expect, it } from 'vitest'
import { findViolations, longestOverdue, serviceTime } from '../../torture/check/checker.ts'
import type { Entry, Evidence, Outage, Row } from '../../torture/check/records.ts'

const START = 1_000_000
const TTL_MS = 10_000

const row = (given: Partial<Row> = {}): Row => ({
  id: 'e1',
  intent: 'i1',
  status: 'SUCCEEDED',
  createdAt: START,
  expiresAt: START + TTL_MS,
  settledAt: START + 20,
  ...given,
})
const timedOut = row({ status: 'TIMED_OUT', settledAt: START + TTL_MS + 300 })

const acknowledged: Entry = {
  at: START + 5,
  kind: 'acknowledged',
  intent: 'i1',
  executionId: 'e1',
  status: 'SENT',
  replica: 0,
}
const received: Entry = { at: START + 8, kind: 'received', executionId: 'e1', thingId: 't1' }
const acted: Entry = { at: START + 8, kind: 'acted', executionId: 'e1', intent: 'i1', thingId: 't1' }
const answered: Entry = { at: START + 10, kind: 'answered', executionId: 'e1', status: 'SUCCEEDED' }
const told: Entry = { at: START + 21, kind: 'told', by: 'a subscriber', executionId: 'e1', status: 'SUCCEEDED' }
const GOOD = [acknowledged, received, acted, answered, told]

const check = (entries: readonly Entry[], rows: readonly Row[], given: Partial<Evidence> = {}) =>
  findViolations({ entries, rows, outages: [], brokerKills: [], readAt: START + 60_000, ...given })

/** Only the promises that are violated. */
const broken = (...given: Parameters<typeof check>) =>
  Object.fromEntries(Object.entries(check(...given)).filter(([, violating]) => violating.length > 0))

describe('the checker of the torture harness', () => {
  it('finds nothing where everything went as promised', () => {
    expect(broken(GOOD, [row()])).toEqual({})
  })

  it('finds an acknowledged command that is not in the database', () => {
    expect(broken([acknowledged], [])).toEqual({ acknowledgedLost: ['e1'] })
  })

  it('finds two terminal statuses, and what a subscriber was told without a commit', () => {
    expect(broken([acknowledged, told], [timedOut])).toEqual({ twoTerminals: ['e1'], toldUncommitted: ['e1'] })
    expect(broken([told], [row({ status: 'SENT', settledAt: null, expiresAt: START + 90_000 })])).toEqual({
      toldUncommitted: ['e1'],
    })
    expect(broken([{ ...told, status: 'SENT' }], [])).toEqual({ toldUncommitted: ['e1'] })
  })

  it('finds two terminal statuses that a caller and the database saw', () => {
    expect(broken([{ ...acknowledged, status: 'FAILED' }], [row()])).toEqual({ twoTerminals: ['e1'] })
  })

  it('finds what settled too late, and what is still open', () => {
    expect(broken([], [row({ status: 'TIMED_OUT', settledAt: START + TTL_MS + 1001 })])).toEqual({
      settledLate: ['e1'],
    })
    expect(broken([], [row({ status: 'SENT', settledAt: null })])).toEqual({ settledLate: ['e1'] })
    expect(broken([], [row({ status: 'TIMED_OUT', settledAt: START + TTL_MS + 1000 })])).toEqual({})
  })

  it('counts service time only: without a replica or a database nothing can settle', () => {
    const away: Outage = { part: 'service', from: START + TTL_MS - 500, to: START + TTL_MS + 5000 }
    const late = (settledAt: number) => [row({ status: 'TIMED_OUT', settledAt })]
    expect(broken([], late(away.to + 900), { outages: [away] })).toEqual({})
    expect(broken([], late(away.to + 1100), { outages: [away] })).toEqual({ settledLate: ['e1'] })
    expect(broken([], late(away.to + 900), { outages: [{ ...away, part: 'link' }] })).toEqual({ settledLate: ['e1'] })
  })

  it('finds what was handed to a device or acted on after the TTL', () => {
    const at = START + TTL_MS
    expect(broken([{ ...received, at }], [timedOut])).toEqual({ handedLate: ['e1'] })
    expect(broken([{ ...acted, at }], [timedOut])).toEqual({ actedLate: ['e1'] })
    expect(broken([received, { ...received, at }], [timedOut])).toEqual({})
  })

  it('finds an executionId that was executed twice', () => {
    expect(broken([acted, acted], [row({ intent: null })])).toEqual({ executedTwice: ['e1'], intentTwice: ['i1'] })
  })

  it('finds an intent that became two executions, whoever noticed', () => {
    const second = row({ id: 'e2' })
    const inTwo = { intentTwice: ['i1'] }
    expect(
      broken([acknowledged, { ...acknowledged, executionId: 'e2' }], [row(), row({ id: 'e2', intent: null })]),
    ).toEqual(inTwo)
    expect(broken([], [row(), second])).toEqual(inTwo)
    expect(broken([acted, { ...acted, executionId: 'e2' }], [row(), row({ id: 'e2', intent: null })])).toEqual(inTwo)
  })

  it('finds an in-time answer that did not become the outcome', () => {
    expect(broken([answered], [timedOut])).toEqual({ answersLost: ['e1'] })
    expect(broken([answered], [row({ status: 'FAILED' })])).toEqual({ answersLost: ['e1'] })
    expect(broken([answered], [row({ status: 'CANCELED' })])).toEqual({})
    expect(broken([{ ...answered, at: START + TTL_MS - 100 }], [timedOut])).toEqual({})
    expect(broken([{ ...answered, at: START + TTL_MS + 100 }], [timedOut])).toEqual({})
  })

  it('does not excuse a lost answer by a service or a database that was away', () => {
    const outages: Outage[] = [
      { part: 'service', from: START, to: START + 30_000 },
      { part: 'database', from: START, to: START + 30_000 },
    ]
    expect(broken([answered], [row({ status: 'TIMED_OUT', settledAt: START + 30_100 })], { outages })).toEqual({
      answersLost: ['e1'],
    })
  })

  it('excuses an answer that the broker could not give to the service before the TTL, and no other', () => {
    const link = (from: number, to: number): Outage[] => [{ part: 'link', from, to }]
    expect(broken([answered], [timedOut], { outages: link(START, START + TTL_MS - 1000) })).toEqual({})
    const lost = { answersLost: ['e1'] }
    expect(broken([answered], [timedOut], { outages: link(START, START + 1000) })).toEqual(lost)
    expect(broken([answered], [timedOut], { outages: link(START + 2000, START + TTL_MS + 1000) })).toEqual(lost)
  })

  it('excuses what the broker had not written when it was killed, and nothing older', () => {
    expect(broken([answered], [timedOut], { brokerKills: [START + 1000] })).toEqual({})
    expect(broken([answered], [timedOut], { brokerKills: [START + 3000] })).toEqual({ answersLost: ['e1'] })
    const repeated: Entry = { ...answered, at: START + 4000 }
    expect(broken([answered, repeated], [timedOut], { brokerKills: [START + 1000] })).toEqual({ answersLost: ['e1'] })
  })
})

describe('serviceTime', () => {
  it('takes off outages once, however they overlap', () => {
    const outages: Outage[] = [
      { part: 'database', from: 3_000, to: 6_000 },
      { part: 'service', from: 1_000, to: 4_000 },
      { part: 'service', from: 9_000, to: 20_000 },
      { part: 'database', from: 3_500, to: 3_800 },
    ]
    expect(serviceTime(0, 10_000, outages)).toBe(4_000)
    expect(serviceTime(10_000, 0, outages)).toBe(0)
  })

  it('does not count less than a second between two outages', () => {
    const outages: Outage[] = [
      { part: 'database', from: 1_000, to: 2_000 },
      { part: 'link', from: 2_100, to: 2_200 },
      { part: 'database', from: 2_999, to: 4_000 },
      { part: 'service', from: 5_000, to: 6_000 },
    ]
    expect(serviceTime(0, 10_000, outages)).toBe(1_000 + 1_000 + 4_000)
    expect(serviceTime(2_500, 4_500, outages)).toBe(500)
    expect(serviceTime(0, 2_500, outages)).toBe(1_000)
  })
})

it('tells how long after its TTL the last one was settled, an answered one and an open one too', () => {
  const evidence = { entries: [], outages: [], brokerKills: [], readAt: START + 60_000 }
  expect(longestOverdue({ ...evidence, rows: [row()] })).toBe(0)
  expect(longestOverdue({ ...evidence, rows: [row(), timedOut] })).toBe(300)
  expect(longestOverdue({ ...evidence, rows: [timedOut, row({ status: 'SENT', settledAt: null })] })).toBe(50_000)
  const outages: Outage[] = [{ part: 'database', from: START + TTL_MS + 100, to: START + TTL_MS + 200 }]
  expect(longestOverdue({ ...evidence, outages, rows: [timedOut] })).toBe(200)
})
