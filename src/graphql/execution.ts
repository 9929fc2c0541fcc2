import { type Caller, isNarrowed } from '../domain/access.ts'
import { countSubscription } from '../domain/allowance.ts'
import { type CancelOutcome, cancelExecution } from '../domain/cancel.ts'
import { ExecutionNotFound, type UserError } from '../domain/errors.ts'
import type { Execution } from '../domain/execution.ts'
import { findVisible } from '../domain/executions.ts'
import type { ExecutionFilter } from '../domain/filter.ts'
import { listExecutions } from '../domain/list-executions.ts'
import { sendCommand } from '../domain/send.ts'
import { waitUntilSettled, watchExecutions } from '../domain/watch.ts'
import { builder } from './builder.ts'
import { resolvePage } from './connection.ts'
import { DeliveryType } from './delivery.ts'
import { ExecutionFilterType, ExecutionType } from './execution-types.ts'
import { ERRORS_DESCRIPTION, payloadOf, UserErrorType } from './user-error.ts'

const SendCommandInput = builder.inputType('SendCommandInput', {
  description: 'A command to one thing.',
  fields: (t) => ({
    thingId: t.id({ required: true, description: 'The thing.' }),
    action: t.string({
      required: true,
      description: "What it shall do: 1 to 128 characters. Where the thing's type defines commands, one of these.",
    }),
    params: t.field({
      type: 'JSONObject',
      description: "With what, as the command's `paramsSchema` asks; at most 240 KB. Absent: {}.",
    }),
    ttl: t.int({
      description:
        "Seconds, from 1 to 86,400, in which the thing must answer. Absent: the command definition's, else 30.",
    }),
    idempotencyKey: t.string({
      description:
        'Your name for this intent: 1 to 255 characters. Sent again with the same request, it answers with the first execution and sends nothing.',
    }),
    delivery: t.field({
      type: DeliveryType,
      description: "How often it may be published. Absent: the command definition's, else AT_MOST_ONCE.",
    }),
    wait: t.boolean({
      defaultValue: false,
      description: 'Answer only when the execution is settled, which it is by its TTL at the latest.',
    }),
  }),
})

const SendCommandPayload = builder
  .objectRef<{ value: Execution | null; errors: UserError[] }>('SendCommandPayload')
  .implement({
    description: 'What sendCommand did.',
    fields: (t) => ({
      execution: t.expose('value', {
        type: ExecutionType,
        nullable: true,
        description:
          'Committed, and confirmed by the broker, or with AT_LEAST_ONCE committed and to be published again; null if and only if there are errors.',
      }),
      errors: t.expose('errors', { type: [UserErrorType], description: ERRORS_DESCRIPTION }),
    }),
  })

const CancelExecutionPayload = builder.objectRef<CancelOutcome>('CancelExecutionPayload').implement({
  description: 'What cancelExecution did.',
  fields: (t) => ({
    execution: t.expose('execution', {
      type: ExecutionType,
      nullable: true,
      description: 'As it is now, canceled or settled before; null where there is none.',
    }),
    errors: t.expose('errors', { type: [UserErrorType], description: ERRORS_DESCRIPTION }),
  }),
})

/**
 * What is asked for, of what the caller may see. Nothing is added for those who may see everything: that is the usual case.
 * A copy, because a subscription keeps it, and the object that GraphQL made of the argument takes more memory.
 */
export const within = ({ authority }: Caller, filter: ExecutionFilter | null | undefined): ExecutionFilter =>
  isNarrowed(authority) ? { ...filter, scope: authority } : { ...filter }

builder.queryFields((t) => ({
  execution: t.field({
    authScopes: { read: true },
    type: ExecutionType,
    nullable: true,
    description: 'One execution; null where there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The executionId.' }) },
    resolve: async (_root, { id }, { domain, caller }) => (await findVisible(domain, caller, id)) ?? null,
  }),
  executions: t.connection(
    {
      authScopes: { read: true },
      type: ExecutionType,
      description: 'Executions, newest first.',
      args: { filter: t.arg({ type: ExecutionFilterType, description: 'Which executions; absent: all.' }) },
      resolve: (_root, args, { domain, caller }) =>
        resolvePage(
          'execution',
          args,
          ({ id }: Execution) => id,
          (page) => listExecutions(domain, within(caller, args.filter), page),
        ),
    },
    { name: 'ExecutionConnection', description: 'A page of executions (Relay).' },
    { name: 'ExecutionEdge', description: 'An execution in a page.' },
  ),
}))

builder.mutationFields((t) => ({
  sendCommand: t.field({
    authScopes: { send: true },
    type: SendCommandPayload,
    description:
      'Sends a command to a thing, and answers once it is committed and the broker has confirmed the request. Where the broker does not, an AT_LEAST_ONCE command that will be published again is answered all the same. Errors: THING_NOT_FOUND, ACTION_UNKNOWN, PARAMS_INVALID (one for each violation), TTL_OUT_OF_RANGE, INPUT_INVALID, IDEMPOTENCY_CONFLICT, BROKER_UNAVAILABLE, OVERLOADED, RATE_LIMITED, DELIVERY_UNCONFIRMED.',
    args: { input: t.arg({ type: SendCommandInput, required: true, description: 'The command.' }) },
    resolve: async (_root, { input }, context) => {
      const { thingId, action, params, ttl, idempotencyKey, delivery, wait } = input
      const { domain, caller, requestId, traceContext } = context
      const request = { thingId, action, params, ttl, idempotencyKey, delivery, caller, requestId, traceContext }
      const sent = await sendCommand(domain, request)
      if (!sent.ok || !wait) return payloadOf(sent)
      return { value: await waitUntilSettled(domain, sent.value, context.onGone), errors: [] }
    },
  }),
  cancelExecution: t.field({
    authScopes: { send: true },
    type: CancelExecutionPayload,
    description:
      'Settles an execution as CANCELED. The thing is not told, and may act all the same. Errors: EXECUTION_NOT_FOUND; ALREADY_SETTLED, with the execution as it is.',
    args: { id: t.arg.id({ required: true, description: 'The executionId.' }) },
    resolve: (_root, { id }, { domain, caller }) => cancelExecution(domain, caller, id),
  }),
}))

builder.subscriptionFields((t) => ({
  executionUpdated: t.field({
    authScopes: { read: true },
    type: ExecutionType,
    description:
      'Executions as they change: at least once, never out of order for one execution, never a gap. A slow reader gets each in its latest state. With `id`: the execution as it is now, then each change, and the end once it is settled (top-level error EXECUTION_NOT_FOUND where there is none). Else every change from now on that matches the filter afterwards; with `since`, first what changed at or after that instant, as it is now (changes of the seconds before may be repeated).',
    args: {
      id: t.arg.id({ description: 'One execution.' }),
      filter: t.arg({ type: ExecutionFilterType, description: 'Which executions; absent: all.' }),
      since: t.arg({
        type: 'DateTime',
        description: 'After a broken connection: the greatest `updatedAt` that you saw.',
      }),
    },
    subscribe: (_root, args, { domain, caller }) =>
      countSubscription(domain.subscriptions, caller.name ?? '', async (onEnd) => {
        // Asked before anything listens: where this throws, nothing is left behind. The state is read later, and not here.
        if (args.id != null && !(await findVisible(domain, caller, args.id))) throw new ExecutionNotFound(args.id)
        return watchExecutions(domain, { ...args, filter: within(caller, args.filter) }, onEnd)
      }),
    resolve: (execution) => execution,
  }),
}))
