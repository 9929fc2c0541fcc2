import {
  deliveryOf,
  type Execution,
  type ExecutionStatus,
  type IgnoredResponse,
  publishCountOf,
  statusReason,
} from '../domain/execution.ts'
import { builder } from './builder.ts'
import { DeliveryType } from './delivery.ts'
import { findThing, ThingType } from './thing.ts'

const STATUSES: Record<ExecutionStatus, { description: string }> = {
  SENT: { description: 'The request is on its way, or with the thing; no answer yet. The one status that changes.' },
  SUCCEEDED: { description: 'The thing says that it did it.' },
  FAILED: { description: 'The thing says that it tried and failed.' },
  REJECTED: { description: 'The thing says that it will not do it.' },
  TIMED_OUT: { description: 'No answer before the TTL passed. It does not mean that the thing did not act.' },
  CANCELED: { description: 'A caller stopped waiting for it. It does not mean that the thing did not act.' },
}

export const ExecutionStatusType = builder.enumType('ExecutionStatus', {
  description: 'SENT, then one of the others, once: the first to settle wins, and the status never changes again.',
  values: STATUSES,
})

const StatusReason = builder.objectRef<{ code: string; message: string | null }>('StatusReason').implement({
  description: 'Why an execution has its status.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        "The thing's own code, NO_RESPONSE (it timed out), or NO_SUBSCRIBER (nobody was subscribed when the request was published, and it timed out).",
    }),
    message: t.exposeString('message', { nullable: true, description: 'For people.' }),
  }),
})

const IgnoredCause = builder.enumType('IgnoredResponseCause', {
  description: 'Why a response was not applied.',
  values: {
    LATE: { description: 'It came after the execution had timed out or was canceled: the thing may have acted.' },
    REPEATED: { description: 'The thing had answered before.' },
    MALFORMED: { description: 'It is not a response as PROTOCOL.md asks for.' },
  },
})

const IgnoredResponseType = builder.objectRef<IgnoredResponse>('IgnoredResponse').implement({
  description: 'A response that named this execution and was not applied, kept as evidence.',
  fields: (t) => ({
    cause: t.expose('cause', { type: IgnoredCause, description: 'Why it was not applied.' }),
    status: t.expose('status', {
      type: ExecutionStatusType,
      nullable: true,
      description: 'What it said; null where it was malformed.',
    }),
    result: t.expose('result', { type: 'JSON', nullable: true, description: 'What it said.' }),
    reason: t.field({
      type: StatusReason,
      nullable: true,
      description: 'What it said.',
      resolve: ({ reasonCode, reasonMessage }) => (reasonCode ? { code: reasonCode, message: reasonMessage } : null),
    }),
    problem: t.exposeString('problem', { nullable: true, description: 'What is wrong with a malformed one.' }),
    payload: t.exposeString('payload', { nullable: true, description: 'How a malformed one began, as text.' }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'When it came.' }),
  }),
})

export const ExecutionType = builder.objectRef<Execution>('Execution').implement({
  description: 'One command on one thing, and what became of it.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The executionId: a UUIDv7, so it sorts by time of creation.' }),
    commandId: t.exposeID('commandId', { description: 'The command: what was asked. It can have many executions.' }),
    thingId: t.exposeID('thingId', { description: 'The thing it was sent to.' }),
    thing: t.field({
      type: ThingType,
      nullable: true,
      description: 'The thing as it is registered now; null once it is deregistered: history stays.',
      resolve: ({ thingId }, _args, context) => findThing(thingId, context),
    }),
    thingType: t.exposeID('thingType', {
      nullable: true,
      description: "The thing's type when it was sent; null: it had none.",
    }),
    thingTypeVersion: t.exposeString('thingTypeVersion', {
      nullable: true,
      description: 'The version of that type, against which the command was checked.',
    }),
    action: t.exposeString('action', { description: 'What the thing was asked to do.' }),
    params: t.expose('params', {
      type: 'JSONObject',
      nullable: true,
      description: 'With what; {} where none were given.',
    }),
    ttl: t.exposeInt('ttl', { description: 'Seconds, from 1 to 86,400, for which the request was good.' }),
    delivery: t.field({
      type: DeliveryType,
      description: 'How often its request may be published.',
      resolve: deliveryOf,
    }),
    publishCount: t.int({
      description:
        'How often its request was published so far; 1 for AT_MOST_ONCE. Counted before each publish, so a crash or a broken link can make it greater than what the broker got, and nothing makes it smaller. A new count alone changes no `updatedAt` and is told to no subscriber: the next change brings it along.',
      resolve: publishCountOf,
    }),
    status: t.expose('status', { type: ExecutionStatusType, description: 'What became of it.' }),
    statusReason: t.field({
      type: StatusReason,
      nullable: true,
      description: 'Why it has its status: always for TIMED_OUT; where the thing said so for the others.',
      resolve: statusReason,
    }),
    result: t.expose('result', { type: 'JSON', nullable: true, description: 'What the thing answered, if anything.' }),
    requestedBy: t.exposeString('requestedBy', {
      nullable: true,
      description: 'Which key or user sent it; null where the caller was anonymous.',
    }),
    thingOnline: t.exposeBoolean('thingOnline', {
      nullable: true,
      description:
        'Whether its thing was known to be online when it was sent; null: not known. It was sent all the same.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was sent.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When its TTL passes: `createdAt` + `ttl`.' }),
    settledAt: t.expose('settledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it got its terminal status; null while SENT.',
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When anything of it changed last. The last one you saw is the `since` to go on from.',
    }),
    ignoredResponses: t.field({
      type: [IgnoredResponseType],
      description: 'Responses that were not applied, oldest first; at most 10 are kept.',
      resolve: (execution, _args, { ignoredResponses }) =>
        execution.ignoredCount === 0 ? [] : ignoredResponses.load(execution.id),
    }),
    ignoredResponseCount: t.exposeInt('ignoredCount', {
      description: 'How many responses were not applied, kept or not.',
    }),
  }),
})

export const DateTimeRange = builder.inputType('DateTimeRange', {
  description: 'A range of time.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'Inclusive; absent: from the beginning.' }),
    to: t.field({ type: 'DateTime', description: 'Exclusive; absent: without end.' }),
  }),
})

export const ExecutionFilterType = builder.inputType('ExecutionFilter', {
  description:
    'Each list matches any of its members, and a single value stands for a list; fields combine with AND. An empty list matches nothing.',
  fields: (t) => ({
    thingId: t.idList({ description: 'Executions on these things.' }),
    action: t.stringList({ description: 'With these actions.' }),
    status: t.field({ type: [ExecutionStatusType], description: 'With these statuses.' }),
    commandId: t.idList({ description: 'Of these commands.' }),
    createdAt: t.field({ type: DateTimeRange, description: 'Sent in this range of time.' }),
  }),
})
