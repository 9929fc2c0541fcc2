/** Which whole minutes, hours or days a question is about. Pure: no I/O. */
import type { STATS_BUCKETS } from '../db/schema.ts'
import { ArgumentError } from './errors.ts'
import type { ExecutionFilter } from './filter.ts'

export type StatsBucket = (typeof STATS_BUCKETS)[number]

export const MAX_BUCKETS = 500
const BUCKET_MS: Record<StatsBucket, number> = { MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000 }
const DEFAULT_RANGE_MS = 86_400_000
const LAST_DAY = Date.UTC(9999, 0)

/** Milliseconds since 1970, of whole buckets. */
export interface StatsRange {
  from: number
  to: number
  bucket: StatsBucket
}

/** The range that was asked for, or the last 24 hours, widened to whole buckets. Throws an ArgumentError on a bad one. */
export function statsRange(createdAt: ExecutionFilter['createdAt'], bucket: StatsBucket, now: Date): StatsRange {
  const to = createdAt?.to?.getTime() ?? Math.max(now.getTime(), (createdAt?.from?.getTime() ?? 0) + 1)
  const from = createdAt?.from?.getTime() ?? to - DEFAULT_RANGE_MS
  if (from < 0 || to > LAST_DAY) throw new ArgumentError('filter.createdAt', 'expected a range from 1970 to 9998')
  if (from >= to) throw new ArgumentError('filter.createdAt', 'expected a from that is before to')
  const width = BUCKET_MS[bucket]
  const range = { from: Math.floor(from / width) * width, to: Math.ceil(to / width) * width, bucket }
  const count = (range.to - range.from) / width
  if (count > MAX_BUCKETS) throw new ArgumentError('bucket', tooMany(bucket, count))
  return range
}

/** Where each bucket begins. */
export function bucketsOf({ from, to, bucket }: StatsRange): number[] {
  const width = BUCKET_MS[bucket]
  return Array.from({ length: (to - from) / width }, (_, n) => from + n * width)
}

export const endOf = (at: number, bucket: StatsBucket): number => at + BUCKET_MS[bucket]

function tooMany(bucket: StatsBucket, count: number): string {
  const instead = bucket === 'DAY' ? '' : `a larger bucket than ${bucket}, or `
  return `${count.toLocaleString('en')} buckets of one ${bucket} are in this range, expected at most ${MAX_BUCKETS}: ${instead}a shorter filter.createdAt`
}
