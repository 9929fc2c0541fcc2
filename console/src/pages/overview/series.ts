/** What the charts draw: statuses in their order, and buckets put together where a bar would be too thin. Pure: no I/O. */
import type { Counts, StatsBucket } from '../../data/use-stats.ts'
import type { ExecutionStatus } from '../../generated/graphql.ts'

type Name = Exclude<keyof Counts, 'total' | '__typename'>

/** From the bottom of a bar to its top: what went well is the ground that all else stands on. */
export const SERIES: readonly { status: ExecutionStatus; name: Name }[] = [
  { status: 'SUCCEEDED', name: 'succeeded' },
  { status: 'SENT', name: 'sent' },
  { status: 'CANCELED', name: 'canceled' },
  { status: 'REJECTED', name: 'rejected' },
  { status: 'TIMED_OUT', name: 'timedOut' },
  { status: 'FAILED', name: 'failed' },
]

export interface Bar {
  from: string
  to: string
  counts: Record<Name | 'total', number>
}

/** How many buckets a bar stands for, so that each is at least so many pixels wide. */
export function bucketsPerBar(count: number, width: number, minWidth: number): number {
  const isWide = (per: number) => width / Math.ceil(count / per) >= minWidth
  return GROUPS.find((per) => isWide(per)) ?? count
}

/** Of minutes and of hours: what people count in. */
const GROUPS = [1, 2, 3, 4, 6, 12, 24]

export function barsOf(buckets: readonly StatsBucket[], per: number): Bar[] {
  const bars: Bar[] = []
  for (let n = 0; n < buckets.length; n += per) {
    const group = buckets.slice(n, n + per)
    const [first, last] = [group[0], group.at(-1)]
    if (first && last) bars.push({ from: first.from, to: last.to, counts: sumOf(group) })
  }
  return bars
}

function sumOf(group: readonly StatsBucket[]): Bar['counts'] {
  const sum = (name: Name | 'total') => group.reduce((all, { counts }) => all + counts[name], 0)
  return {
    total: sum('total'),
    succeeded: sum('succeeded'),
    sent: sum('sent'),
    canceled: sum('canceled'),
    rejected: sum('rejected'),
    timedOut: sum('timedOut'),
    failed: sum('failed'),
  }
}

export interface Segment {
  status: ExecutionStatus
  bottom: number
  top: number
}

/** The parts of a bar that are there, one on the other. */
export function segmentsOf({ counts }: Bar): Segment[] {
  let bottom = 0
  return SERIES.flatMap(({ status, name }) => {
    const segment = { status, bottom, top: bottom + counts[name] }
    bottom = segment.top
    return segment.top > segment.bottom ? [segment] : []
  })
}
