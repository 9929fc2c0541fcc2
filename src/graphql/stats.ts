import { countByStatus, MAX_COUNT, type StatusCount } from '../domain/count-by-status.ts'
import { MAX_SCANNED } from '../domain/counted-rows.ts'
import type { ExecutionFilter } from '../domain/filter.ts'
import type { RoundTrip } from '../domain/round-trips.ts'
import {
  type ExecutionStats,
  readExecutionStats,
  type StatusCounts,
  successRateOf,
  type Tally,
  totalOf,
} from '../domain/stats.ts'
import { MAX_BUCKETS } from '../domain/stats-range.ts'
import {
  findWorstActions,
  findWorstThings,
  MAX_FAILURES,
  MAX_WORST,
  type WorstAction,
  type WorstThing,
} from '../domain/worst.ts'
import { builder } from './builder.ts'
import { within } from './execution.ts'
import { ExecutionFilterType, ExecutionStatusType } from './execution-types.ts'
import { findThing, ThingType } from './thing.ts'

const THOUSANDS = (count: number): string => count.toLocaleString('en')

const StatsBucketType = builder.enumType('StatsBucket', {
  description: 'How wide the buckets of statistics are.',
  values: {
    MINUTE: { description: 'Whole minutes.' },
    HOUR: { description: 'Whole hours, in UTC.' },
    DAY: { description: 'Whole days, in UTC.' },
  },
})

const StatusCountsType = builder.objectRef<StatusCounts>('StatusCounts').implement({
  description: 'How many executions have each status now. Whole numbers, which may be greater than an Int.',
  fields: (t) => ({
    total: t.float({ description: 'All of them.', resolve: totalOf }),
    sent: t.exposeFloat('SENT', { description: 'No answer yet.' }),
    succeeded: t.exposeFloat('SUCCEEDED', { description: 'The thing did it.' }),
    failed: t.exposeFloat('FAILED', { description: 'The thing tried and failed.' }),
    rejected: t.exposeFloat('REJECTED', { description: 'The thing will not do it.' }),
    timedOut: t.exposeFloat('TIMED_OUT', { description: 'No answer before the TTL passed.' }),
    canceled: t.exposeFloat('CANCELED', { description: 'A caller stopped waiting.' }),
  }),
})

const percentile = (share: string) =>
  ({
    nullable: true,
    description: `${share} % were answered within so many milliseconds; null where none was.`,
  }) as const

const RoundTripType = builder.objectRef<RoundTrip>('RoundTrip').implement({
  description:
    'From `createdAt` to `settledAt`, of executions that their things answered (SUCCEEDED, FAILED, REJECTED). Percentiles are within 5 %.',
  fields: (t) => ({
    answers: t.exposeFloat('answers', { description: 'How many were answered.' }),
    p50: t.exposeFloat('p50', percentile('50')),
    p95: t.exposeFloat('p95', percentile('95')),
    p99: t.exposeFloat('p99', percentile('99')),
  }),
})

const SUCCESS_RATE =
  'SUCCEEDED among SUCCEEDED, FAILED, REJECTED and TIMED_OUT, from 0 to 1; null where there are none of these.'

const ExecutionStatsBucketType = builder.objectRef<Tally>('ExecutionStatsBucket').implement({
  description: 'What became of the executions that were sent in one minute, hour or day.',
  fields: (t) => ({
    from: t.expose('from', { type: 'DateTime', description: 'Inclusive.' }),
    to: t.expose('to', { type: 'DateTime', description: 'Exclusive.' }),
    counts: t.expose('counts', { type: StatusCountsType, description: 'By status.' }),
    successRate: t.float({ nullable: true, description: SUCCESS_RATE, resolve: ({ counts }) => successRateOf(counts) }),
    roundTrip: t.expose('roundTrip', { type: RoundTripType, description: 'How long things took to answer.' }),
  }),
})

const WorstActionType = builder.objectRef<WorstAction>('WorstAction').implement({
  description: 'An action of which executions failed or timed out.',
  fields: (t) => ({
    action: t.exposeString('action', { description: 'The action.' }),
    total: t.exposeFloat('total', { description: 'How many executions there are of it, whatever became of them.' }),
    failed: t.exposeFloat('failed', { description: 'How many are FAILED.' }),
    timedOut: t.exposeFloat('timedOut', { description: 'How many are TIMED_OUT.' }),
  }),
})

const WorstThingType = builder.objectRef<WorstThing>('WorstThing').implement({
  description: 'A thing of which executions failed or timed out.',
  fields: (t) => ({
    thingId: t.exposeID('thingId', { description: 'The thing.' }),
    thing: t.field({
      type: ThingType,
      nullable: true,
      description: 'The thing as it is registered now; null once it is deregistered.',
      resolve: ({ thingId }, _args, context) => findThing(thingId, context),
    }),
    failed: t.exposeFloat('failed', { description: 'How many are FAILED.' }),
    timedOut: t.exposeFloat('timedOut', { description: 'How many are TIMED_OUT.' }),
  }),
})

/** With what was asked for: the worst ones are looked up where they are wanted. */
const ExecutionStatsType = builder.objectRef<ExecutionStats & { filter: ExecutionFilter }>('ExecutionStats').implement({
  description: 'What became of executions, in all and over time.',
  fields: (t) => ({
    from: t.expose('from', { type: 'DateTime', description: 'Inclusive: where the first bucket begins.' }),
    to: t.expose('to', { type: 'DateTime', description: 'Exclusive: where the last bucket ends.' }),
    countedFrom: t.expose('countedFrom', {
      type: 'DateTime',
      description: `What was sent before it is not counted. It is \`from\`, unless the filter names things or commands, or the caller may see some things only, and more than ${THOUSANDS(MAX_SCANNED)} executions are to be gone through: then these are the latest ones.`,
    }),
    counts: t.expose('counts', { type: StatusCountsType, description: 'By status, in the whole range.' }),
    successRate: t.float({ nullable: true, description: SUCCESS_RATE, resolve: ({ counts }) => successRateOf(counts) }),
    roundTrip: t.expose('roundTrip', { type: RoundTripType, description: 'How long things took to answer.' }),
    buckets: t.expose('buckets', {
      type: [ExecutionStatsBucketType],
      description: 'Over time, the oldest first, without a gap.',
    }),
    worstActions: t.field({
      type: [WorstActionType],
      description: 'The actions with the most FAILED and TIMED_OUT executions in the range, these first.',
      args: { first: t.arg.int({ defaultValue: 10, description: `How many: from 1 to ${MAX_WORST}.` }) },
      resolve: (stats, { first }, { domain }) => findWorstActions(domain, rangeOf(stats), stats.bucket, first ?? 10),
    }),
    worstThings: t.field({
      type: [WorstThingType],
      description: `The things with the most FAILED and TIMED_OUT executions in the range, these first. Looked up among the latest ${THOUSANDS(MAX_FAILURES)} of these.`,
      args: { first: t.arg.int({ defaultValue: 10, description: `How many: from 1 to ${MAX_WORST}.` }) },
      resolve: (stats, { first }, { domain }) => findWorstThings(domain, rangeOf(stats), stats.bucket, first ?? 10),
    }),
  }),
})

const rangeOf = ({ filter, from, to }: { filter: ExecutionFilter; from: Date; to: Date }): ExecutionFilter => ({
  ...filter,
  createdAt: { from, to },
})

const ExecutionCountType = builder.objectRef<StatusCount>('ExecutionCount').implement({
  description: 'How many executions have a status.',
  fields: (t) => ({
    status: t.expose('status', { type: ExecutionStatusType, description: 'The status.' }),
    count: t.exposeFloat('count', { description: 'How many were counted: a whole number.' }),
    isMore: t.exposeBoolean('isMore', { description: 'There are more than that, and they were not counted.' }),
  }),
})

builder.queryFields((t) => ({
  executionStats: t.field({
    authScopes: { read: true },
    type: ExecutionStatsType,
    description: `What became of executions over time, exact but for percentiles, however many there are. Of the filter's \`createdAt\`, or else of the last 24 hours, widened to whole buckets: at most ${MAX_BUCKETS}. Minutes are kept for two days, and older ones counted among the latest ${THOUSANDS(MAX_SCANNED)} executions of the range.`,
    args: {
      filter: t.arg({ type: ExecutionFilterType, description: 'Which executions; absent: all.' }),
      bucket: t.arg({ type: StatsBucketType, defaultValue: 'HOUR', description: 'How wide the buckets are.' }),
    },
    resolve: async (_root, args, { domain, caller }) => {
      const filter = within(caller, args.filter)
      return { ...(await readExecutionStats(domain, filter, args.bucket ?? 'HOUR')), filter }
    },
  }),
  executionCounts: t.field({
    authScopes: { read: true },
    type: [ExecutionCountType],
    description: `How many executions match, by status: one entry for each status that the filter allows. Exact, however many, where the filter has actions and statuses only; else up to ${THOUSANDS(MAX_COUNT)} of each are counted. For a caller that may see some things only they are counted among the latest ones.`,
    args: { filter: t.arg({ type: ExecutionFilterType, description: 'Which executions; absent: all.' }) },
    resolve: (_root, args, { domain, caller }) => countByStatus(domain, within(caller, args.filter)),
  }),
}))
