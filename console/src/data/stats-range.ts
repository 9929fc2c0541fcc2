/** Which time the overview is about, as the address has it, and what the API is asked for it. */
import type { OverviewQueryVariables, StatsBucket } from '../generated/graphql.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

interface Span {
  bucket: StatsBucket
  bucketMs: number
  count: number
  /** Longer ranges change less from one look to the next, and cost the service more. */
  refreshMs: number
  label: string
  /** As in "in the last hour". */
  words: string
}

export const SPANS = {
  '1h': { bucket: 'MINUTE', bucketMs: MINUTE_MS, count: 60, refreshMs: 10_000, label: '1 hour', words: 'hour' },
  '24h': { bucket: 'HOUR', bucketMs: HOUR_MS, count: 24, refreshMs: 20_000, label: '24 hours', words: '24 hours' },
  '7d': { bucket: 'HOUR', bucketMs: HOUR_MS, count: 7 * 24, refreshMs: 60_000, label: '7 days', words: '7 days' },
  '30d': { bucket: 'DAY', bucketMs: DAY_MS, count: 30, refreshMs: 60_000, label: '30 days', words: '30 days' },
} as const satisfies Record<string, Span>

export type StatsSpan = keyof typeof SPANS
export const DEFAULT_SPAN: StatsSpan = '24h'

export interface OverviewSearch {
  /** Absent: the default. */
  range?: StatsSpan | undefined
}

const isSpan = (value: unknown): value is StatsSpan => typeof value === 'string' && Object.hasOwn(SPANS, value)

/** What makes no sense is put in the place of what the router has read, and not left out: else that would stay. */
export const readOverviewSearch = ({ range }: Record<string, unknown>): OverviewSearch => ({
  range: isSpan(range) ? range : undefined,
})

/** Whole buckets, of which the last is the one that has begun: the same until the next one begins. */
export function variablesOf(span: StatsSpan, nowMs: number): OverviewQueryVariables {
  const { bucket, bucketMs, count } = SPANS[span]
  const from = (Math.floor(nowMs / bucketMs) - count + 1) * bucketMs
  return { bucket, filter: { createdAt: { from: new Date(from).toISOString() } } }
}
