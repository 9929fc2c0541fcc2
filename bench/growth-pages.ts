/** Pages of executions: every filter and combination, at the beginning, deep in, and from the other end. */
import type { ExecutionStatus } from '../src/domain/execution.ts'
import type { ExecutionFilter } from '../src/domain/filter.ts'
import { listExecutions } from '../src/domain/list-executions.ts'
import type { Page } from '../src/domain/paging.ts'
import { ACTIONS, type Bench, RARE_ACTION, THINGS } from './growth-data.ts'

export interface Figure {
  p50: number
  p99: number
}

interface Case {
  name: string
  filter: ExecutionFilter
  page: Page
}

export interface PageFigures {
  name: string
  small: Figure
  large: Figure
  rows: number
}

const thing = (n: number): string => `thermostat-${String(n % THINGS).padStart(6, '0')}`
const commandOf = (n: number): string => `00000000-0000-0000-0000-${n.toString(16).padStart(12, '0')}`
const WEEK_MS = 7 * 86_400_000

/** One member and several of each list, common, rare and absent; the same in both databases. */
const MEMBERS: Record<string, [string, ExecutionFilter][]> = {
  thing: [
    ['one thing', { thingId: [thing(42)] }],
    ['3 things', { thingId: [thing(1), thing(2), thing(3)] }],
    ['no such thing', { thingId: ['none'] }],
  ],
  action: [
    ['one action', { action: ACTIONS.slice(0, 1) }],
    ['3 actions', { action: ACTIONS.slice(1, 4) }],
    ['a rare action', { action: [RARE_ACTION] }],
    ['no such action', { action: ['none'] }],
  ],
  status: [
    ...(['SENT', 'SUCCEEDED', 'CANCELED'] satisfies ExecutionStatus[]).map((status): [string, ExecutionFilter] => [
      status,
      { status: [status] },
    ]),
    ['3 statuses', { status: ['FAILED', 'REJECTED', 'SENT'] }],
  ],
  command: [
    ['a command', { commandId: [commandOf(3)] }],
    ['3 commands', { commandId: [commandOf(4), commandOf(5), commandOf(999_999)] }],
  ],
  created: [
    ['a week', { createdAt: { from: new Date(Date.now() - 5 * WEEK_MS), to: new Date(Date.now() - 4 * WEEK_MS) } }],
    ['a day to come', { createdAt: { from: new Date(Date.now() + 86_400_000) } }],
  ],
}

function combinations(): [string, ExecutionFilter][] {
  let all: [string, ExecutionFilter][] = [['', {}]]
  for (const members of Object.values(MEMBERS)) {
    const with_ = all.flatMap(([name, filter]) =>
      members.map(([more, one]): [string, ExecutionFilter] => [`${name} ${more}`.trim(), { ...filter, ...one }]),
    )
    all = [...all, ...with_]
  }
  return all.map(([name, filter]) => [name || 'everything', filter])
}

/** All filters alone and in pairs, triples and more, each as the first page; the simple ones in each direction, too. */
function cases(middle: string): Case[] {
  const pages: [string, Omit<Page, 'limit'>][] = [
    ['first', { inverted: false }],
    ['after, deep in', { inverted: false, after: middle }],
    ['last', { inverted: true }],
    ['before, deep in', { inverted: true, before: middle }],
  ]
  return combinations().flatMap(([name, filter]) => {
    const simple = Object.keys(filter).length <= 1
    return pages.slice(0, simple ? 4 : 1).flatMap(([where, page]) =>
      (simple ? [20, 100] : [20]).map((size) => ({
        name: `${name}, ${where} ${size}`,
        filter,
        page: { ...page, limit: size + 1 },
      })),
    )
  })
}

/** Interleaved, so that whatever else the machine does meets both. */
export async function measurePages(small: Bench, large: Bench, runs: number): Promise<PageFigures[]> {
  const [ofSmall, ofLarge] = await Promise.all([small, large].map(async (bench) => cases(await middleOf(bench))))
  const figures: PageFigures[] = []
  for (const [index, one] of (ofLarge ?? []).entries()) {
    const other = ofSmall?.[index] ?? one
    const times: [number[], number[]] = [[], []]
    let rows = 0
    for (let run = -3; run < runs; run++) {
      const [inSmall] = await timed(() => listExecutions(small.ctx, other.filter, other.page))
      const [inLarge, found] = await timed(() => listExecutions(large.ctx, one.filter, one.page))
      rows = found.length
      if (run < 0) continue
      times[0].push(inSmall)
      times[1].push(inLarge)
    }
    figures.push({ name: one.name, small: figureOf(times[0]), large: figureOf(times[1]), rows })
  }
  return figures
}

async function middleOf({ sql }: Bench): Promise<string> {
  const [row] = await sql<{ id: string }[]>`select id from executions_settled
    where id < lowest_uuid_v7(now() - interval '4 weeks') order by id desc limit 1`
  return row?.id ?? ''
}

export async function timed<T>(run: () => Promise<T>): Promise<[number, T]> {
  const startedAt = performance.now()
  const value = await run()
  return [performance.now() - startedAt, value]
}

export function figureOf(times: readonly number[]): Figure {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}
