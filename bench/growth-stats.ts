/** What statistics cost: to count all executions once, to keep counting while others settle, and each question. */
import { countByStatus } from '../src/domain/count-by-status.ts'
import type { ExecutionFilter } from '../src/domain/filter.ts'
import { rollUp, rollUpHistory } from '../src/domain/roll-up.ts'
import { readExecutionStats } from '../src/domain/stats.ts'
import type { StatsBucket } from '../src/domain/stats-range.ts'
import { findWorstActions, findWorstThings } from '../src/domain/worst.ts'
import { ACTIONS, type Bench } from './growth-data.ts'
import { type Figure, figureOf, timed } from './growth-pages.ts'
import { startFlow } from './growth-writes.ts'

const TURN_MS = 5_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const TYPES = { things: null, thingTypes: ['com.example.type1'], actions: null }
const SOME_THINGS = { things: ['thermostat-0001*'], thingTypes: null, actions: null }

export interface Counting {
  /** All of what was there before. */
  parts: Figure
  seconds: number
}

export async function measureCounting({ ctx }: Bench): Promise<Counting> {
  await rollUp(ctx)
  const times: number[] = []
  for (let more = true; more; ) {
    const [ms, isMore] = await timed(() => rollUpHistory(ctx))
    times.push(ms)
    more = isMore
  }
  return { parts: figureOf(times), seconds: times.reduce((sum, ms) => sum + ms, 0) / 1000 }
}

type Question = [name: string, ask: (bench: Bench) => Promise<unknown>]

const last = (ms: number): ExecutionFilter => ({ createdAt: { from: new Date(Date.now() - ms) } })
const stats =
  (bucket: StatsBucket, filter: ExecutionFilter) =>
  ({ ctx }: Bench) =>
    readExecutionStats(ctx, filter, bucket)

const QUESTIONS: Question[] = [
  ['the last 6 hours by minute', stats('MINUTE', last(6 * HOUR_MS))],
  ['the last 24 hours by hour', stats('HOUR', {})],
  ['the last 20 days by hour', stats('HOUR', last(20 * DAY_MS - HOUR_MS))],
  ['all 56 days by day', stats('DAY', last(56 * DAY_MS))],
  ['all 56 days by day, one action', stats('DAY', { ...last(56 * DAY_MS), action: ACTIONS.slice(0, 1) })],
  ['all 56 days by day, a caller of one type', stats('DAY', { ...last(56 * DAY_MS), scope: TYPES })],
  ['the last 24 hours by hour, one thing', stats('HOUR', { thingId: ['thermostat-000042'] })],
  ['the last 24 hours by hour, a caller of some things', stats('HOUR', { scope: SOME_THINGS })],
  ['all 56 days by day, a caller of some things', stats('DAY', { ...last(56 * DAY_MS), scope: SOME_THINGS })],
  ['worst actions of 24 hours', ({ ctx }) => findWorstActions(ctx, {}, 'HOUR', 10)],
  ['worst actions of 56 days', ({ ctx }) => findWorstActions(ctx, last(56 * DAY_MS), 'DAY', 10)],
  ['worst things of 24 hours', ({ ctx }) => findWorstThings(ctx, {}, 'HOUR', 10)],
  ['worst things of 56 days', ({ ctx }) => findWorstThings(ctx, last(56 * DAY_MS), 'DAY', 10)],
  ['counts of everything', ({ ctx }) => countByStatus(ctx, {})],
  ['counts of a week', ({ ctx }) => countByStatus(ctx, last(7 * DAY_MS))],
  ['counts of a thing', ({ ctx }) => countByStatus(ctx, { thingId: ['thermostat-000042'] })],
  [
    'counts of a week, one action',
    ({ ctx }) => countByStatus(ctx, { ...last(7 * DAY_MS), action: ACTIONS.slice(0, 1) }),
  ],
  ['counts, a caller of some things', ({ ctx }) => countByStatus(ctx, { scope: SOME_THINGS })],
]

export async function measureQuestions(bench: Bench, runs: number): Promise<{ name: string; figure: Figure }[]> {
  const figures: { name: string; figure: Figure }[] = []
  for (const [name, ask] of QUESTIONS) {
    const times: number[] = []
    for (let run = -2; run < runs; run++) {
      const [ms] = await timed(() => ask(bench))
      if (run >= 0) times.push(ms)
    }
    figures.push({ name, figure: figureOf(times) })
  }
  return figures
}

export interface Beside {
  alone: number
  beside: number
  rolls: Figure
}

/** Batches sent and settled in a second, in turns of five: alone, and while what is settled is counted ten times as often as usual. */
export async function measureBeside(bench: Bench, turns: number): Promise<Beside> {
  const step = startFlow(bench)
  const alone: number[] = []
  const beside: number[] = []
  const rolls: number[] = []
  await flowFor(step, TURN_MS)
  for (let turn = 0; turn < turns; turn++) {
    alone.push(await flowFor(step, TURN_MS))
    // What was settled alone is counted before, so that no turn pays for another.
    await rollUp(bench.ctx)
    const [rate] = await Promise.all([flowFor(step, TURN_MS), keepCounting(bench, performance.now() + TURN_MS, rolls)])
    beside.push(rate)
  }
  return { alone: middle(alone), beside: middle(beside), rolls: figureOf(rolls) }
}

async function flowFor(step: () => Promise<void>, ms: number): Promise<number> {
  const startedAt = performance.now()
  let steps = 0
  for (; performance.now() - startedAt < ms; steps++) await step()
  return (steps * 1_000) / (performance.now() - startedAt)
}

async function keepCounting({ ctx }: Bench, until: number, times: number[]): Promise<void> {
  while (performance.now() < until) {
    times.push((await timed(() => rollUp(ctx)))[0])
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

const middle = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
