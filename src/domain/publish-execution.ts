/** The first publish of a committed execution, and what the caller is told of it. Later ones: republish.ts. */
import { and, eq, inArray } from 'drizzle-orm'
import { executions } from '../db/schema.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed, userError } from './errors.ts'
import { type Execution, isSettled } from './execution.ts'
import { createGroupCommit } from './group-commit.ts'
import { requestOf } from './request.ts'
import type { WrittenRequest } from './send-request.ts'
import { endWith } from './trace.ts'

const MAX_UNHEARD = 250

/** `startedAt`: when this try began, by performance.now(). */
export async function publishExecution(
  ctx: Context,
  execution: Execution,
  startedAt: number,
  { since, requestId, traceContext }: Pick<WrittenRequest, 'since' | 'requestId' | 'traceContext'>,
): Promise<Outcome<Execution>> {
  const { id, thingId, action, ttl } = execution
  const span = ctx.tracing?.startPublish(execution, traceContext)
  // Our own elapsed time, and not the difference of two clocks.
  const outgoing = requestOf(execution, ttl * 1000 - (performance.now() - startedAt), span?.context)
  const outcome = await endWith(span, ctx.gateway.publishRequest(outgoing), ({ kind }) =>
    kind === 'confirmed' ? {} : { problem: 'DELIVERY_UNCONFIRMED' },
  )
  if (outcome.kind === 'confirmed') {
    if (!outcome.hasSubscriber) await noteUnheard(ctx, id, since)
    const { hasSubscriber } = outcome
    ctx.log.debug({ executionId: id, thingId, requestId, action, ttl, hasSubscriber }, 'command sent')
    return succeed(execution)
  }
  ctx.log.warn({ executionId: id, thingId, requestId, why: outcome.why }, 'the broker did not confirm a request')
  // Settled meanwhile, it needs no confirmation: what became of it is known. A database that is away now must not hide
  // that the execution is recorded: the caller would be told to try again, and a command might be done twice.
  const current = await ctx.findExecution(id).catch(() => undefined)
  if (current && isSettled(current)) return succeed(current)
  // It is committed, and will be published again until it is answered or expires, whatever becomes of this process: there is
  // nothing to decide for the caller, and nothing that he could do better. So it is no failure.
  const latest = current ?? execution
  if (latest.publishAgainAt) return succeed(latest)
  return fail({ ...userError('DELIVERY_UNCONFIRMED', [], unconfirmed(id)), executionId: id })
}

/** What an execution will say if nobody answers (CONTRACT: NO_SUBSCRIBER). */
export const createUnheardMarker = ({ db }: Pick<Context, 'db'>): Context['markUnheard'] =>
  createGroupCommit({ items: MAX_UNHEARD }, async (ids) => {
    await db
      .update(executions)
      .set({ noSubscriber: true })
      .where(and(inArray(executions.id, [...ids]), eq(executions.status, 'SENT')))
    return ids.map(() => undefined)
  })

/** Only a hint: where it cannot be stored, the command is sent all the same. */
async function noteUnheard(ctx: Context, executionId: string, since: number): Promise<void> {
  try {
    await ctx.markUnheard(executionId, since)
  } catch (error) {
    ctx.log.warn({ executionId, err: error }, 'could not note that nobody was subscribed')
  }
}

const unconfirmed = (id: string): string =>
  `The broker did not confirm the request in time. Execution ${id} is recorded and stays SENT until a response or its TTL; the request may or may not have reached the thing.`
