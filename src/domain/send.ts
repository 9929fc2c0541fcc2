import { demandSend } from './access.ts'
import type { Context } from './context.ts'
import { countSend } from './count.ts'
import { draftOf, readThing } from './draft.ts'
import { fail, type Outcome, type UserError, userError } from './errors.ts'
import type { Execution } from './execution.ts'
import { findRepeated } from './idempotency.ts'
import { inTurn } from './in-turn.ts'
import { writeParams } from './params.ts'
import { NotBegun } from './patience.ts'
import { publishExecution } from './publish-execution.ts'
import { takeSend } from './rate-limit.ts'
import { findProblems, type SendRequest, type WrittenRequest } from './send-request.ts'
import { endWith } from './trace.ts'

/** Callers that do not sign in share one limit; no key and no user has this name. */
const ANONYMOUS = ''

/** How often a send is checked anew because the thing or its type changed between the check and the commit. */
const MAX_TRIES = 5

/**
 * Sends one command to one thing: checks it, commits the execution, publishes the request, and answers once the broker has
 * confirmed it (CONTRACT promises 1 and 4). The same idempotency key with the same request answers with the first
 * execution and sends nothing. Errors: INPUT_INVALID, TTL_OUT_OF_RANGE, THING_NOT_FOUND, ACTION_UNKNOWN, PARAMS_INVALID,
 * IDEMPOTENCY_CONFLICT, BROKER_UNAVAILABLE, OVERLOADED and RATE_LIMITED (nothing recorded), DELIVERY_UNCONFIRMED (recorded, perhaps
 * delivered, and not published again).
 */
export function sendCommand(ctx: Context, request: SendRequest): Promise<Outcome<Execution>> {
  return countSend(ctx.metrics, () => traceSend(ctx, request))
}

function traceSend(ctx: Context, request: SendRequest): Promise<Outcome<Execution>> {
  const span = ctx.tracing?.startSend(request)
  if (!span) return checkAndSend(ctx, request)
  return endWith(span, checkAndSend(ctx, { ...request, traceContext: span.context }), (sent) =>
    sent.ok
      ? { executionId: sent.value.id }
      : { problem: sent.errors[0]?.code, executionId: sent.errors[0]?.executionId },
  )
}

async function checkAndSend(ctx: Context, request: SendRequest): Promise<Outcome<Execution>> {
  demandSend(request.caller, request.thingId, request.action)
  const malformed = findProblems(request)
  const written = writeParams(request.params ?? {})
  if (malformed.length > 0 || !written.ok) return fail(...malformed, ...(written.ok ? [] : written.errors))
  const given: WrittenRequest = { ...request, paramsText: written.value, since: performance.now() }
  if (!ctx.admission.enter(written.value.length)) return fail(overloaded())
  try {
    return await sendAdmitted(ctx, given)
  } catch (error) {
    if (error instanceof NotBegun) return fail(overloaded())
    throw error
  } finally {
    ctx.admission.leave(written.value.length)
  }
}

/** A repetition that overlaps the first is answered after it: not before the broker has confirmed the request. */
const sendAdmitted = (ctx: Context, request: WrittenRequest): Promise<Outcome<Execution>> =>
  request.idempotencyKey == null
    ? sendOnce(ctx, request)
    : inTurn(ctx.sending, request.idempotencyKey, request.since, () => sendOnce(ctx, request))

function sendOnce(ctx: Context, request: WrittenRequest): Promise<Outcome<Execution>> {
  // A repetition counts as well, because it costs as much.
  const retryAfterMs = takeSend(ctx.sendLimits, request.caller.name ?? ANONYMOUS, request.thingId)
  return retryAfterMs > 0 ? repeatedOr(ctx, request, fail(rateLimited(retryAfterMs))) : storeAndPublish(ctx, request)
}

/** What was sent before is answered whatever has become of the thing, of the broker or of the caller's limit since. */
const repeatedOr = async (ctx: Context, request: WrittenRequest, refusal: Outcome<Execution>) =>
  (await findRepeated(ctx, request)) ?? refusal

async function storeAndPublish(ctx: Context, request: WrittenRequest): Promise<Outcome<Execution>> {
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const startedAt = performance.now()
    const draft = await draftOf(ctx, request)
    if (!draft.ok) return repeatedOr(ctx, request, draft)
    if (!ctx.gateway.isAvailable()) return repeatedOr(ctx, request, fail(brokerUnavailable()))
    const committing = ctx.tracing?.startCommit(request.traceContext)
    const execution = await endWith(committing, ctx.storeExecution(draft.value, request.since))
    if (execution) {
      ctx.live.publish([execution])
      if (execution.publishAgainAt) ctx.publishAgain.ring()
      return publishExecution(ctx, execution, startedAt, request)
    }
    const repeated = await findRepeated(ctx, request)
    if (repeated) return repeated
    await readThing(ctx, request)
  }
  throw new Error(`the registration of thing ${request.thingId} changed at each of ${MAX_TRIES} tries to send`)
}

const brokerUnavailable = (): UserError =>
  userError(
    'BROKER_UNAVAILABLE',
    [],
    'There is no link to the MQTT broker. Nothing was sent and nothing recorded: try again.',
  )

const overloaded = (): UserError =>
  userError(
    'OVERLOADED',
    [],
    'More is being sent than can be taken at the moment. Nothing was sent and nothing recorded: try again in a second.',
  )

const rateLimited = (retryAfterMs: number): UserError => ({
  ...userError(
    'RATE_LIMITED',
    [],
    `More commands came from this caller, or for this thing, than are taken in a second. Nothing was sent and nothing recorded: try again in ${retryAfterMs} ms.`,
  ),
  retryAfterMs,
})
