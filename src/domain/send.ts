import { createHash } from 'node:crypto'
import { and, eq, inArray } from 'drizzle-orm'
import { executions, idempotencyKeys } from '../db/schema.ts'
import { canonicalJson, type JsonObject } from '../protocol/json.ts'
import { isThingId } from '../protocol/topics.ts'
import type { Context } from './context.ts'
import { countSend } from './count.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import {
  DEFAULT_TTL_SECONDS,
  type Delivery,
  type Execution,
  isSettled,
  isValidTtl,
  publishAgainIn,
} from './execution.ts'
import { findExecution } from './executions.ts'
import { createGroupCommit } from './group-commit.ts'
import { inTurn } from './in-turn.ts'
import { findViolations, writeParams } from './params.ts'
import { NotAnswered, NotBegun, withPatience } from './patience.ts'
import type { TraceContext } from './ports.ts'
import type { RegisteredThing } from './registry.ts'
import { requestOf } from './request.ts'
import type { Draft } from './store-execution.ts'
import { storableText } from './text.ts'
import { thingNotFound } from './things.ts'
import { endWith } from './trace.ts'

export interface SendRequest {
  thingId: string
  action: string
  params: JsonObject | null | undefined
  /** Seconds; without a value the command definition's, else 30. */
  ttl: number | null | undefined
  idempotencyKey: string | null | undefined
  /** Without a value the command definition's, else AT_MOST_ONCE. */
  delivery?: Delivery | null | undefined
  /** Which key or user sends it; null where callers are anonymous. */
  requestedBy: string | null
  /** Of the caller's request, for the log. */
  requestId?: string | undefined
  /** Of the caller's span. */
  traceContext?: TraceContext | undefined
}

const MAX_ACTION = 128
const MAX_KEY = 255
const MAX_UNHEARD = 250

/** How often a send is checked anew because the thing or its type changed between the check and the commit. */
const MAX_TRIES = 5

/**
 * Sends one command to one thing: checks it, commits the execution, publishes the request, and answers once the broker has
 * confirmed it (CONTRACT promises 1 and 4). The same idempotency key with the same request answers with the first
 * execution and sends nothing. Errors: INPUT_INVALID, TTL_OUT_OF_RANGE, THING_NOT_FOUND, ACTION_UNKNOWN, PARAMS_INVALID,
 * IDEMPOTENCY_CONFLICT, BROKER_UNAVAILABLE and OVERLOADED (nothing recorded), DELIVERY_UNCONFIRMED (recorded, perhaps
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

/** A request as it is while it is under way. */
interface WrittenRequest extends SendRequest {
  paramsText: string
  /** When it came, by performance.now(): its patience counts from then. */
  since: number
}

/** A repetition that overlaps the first is answered after it: not before the broker has confirmed the request. */
const sendAdmitted = (ctx: Context, request: WrittenRequest): Promise<Outcome<Execution>> =>
  request.idempotencyKey == null
    ? sendOnce(ctx, request)
    : inTurn(ctx.sending, request.idempotencyKey, request.since, () => sendOnce(ctx, request))

async function sendOnce(ctx: Context, request: WrittenRequest): Promise<Outcome<Execution>> {
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const startedAt = performance.now()
    const draft = await draftOf(ctx, request)
    // What was sent before is answered whatever has become of the thing or of the broker since.
    if (!draft.ok) return (await findRepeated(ctx, request)) ?? draft
    if (!ctx.gateway.isAvailable()) return (await findRepeated(ctx, request)) ?? fail(brokerUnavailable())
    const committing = ctx.tracing?.startCommit(request.traceContext)
    const execution = await endWith(committing, ctx.storeExecution(draft.value, request.since))
    if (execution) {
      ctx.live.publish([execution])
      if (execution.publishAgainAt) ctx.publishAgain.ring()
      return publishExecution(ctx, execution, { startedAt, ...request })
    }
    const repeated = await findRepeated(ctx, request)
    if (repeated) return repeated
    await readThing(ctx, request)
  }
  throw new Error(`the registration of thing ${request.thingId} changed at each of ${MAX_TRIES} tries to send`)
}

function findProblems({ action, ttl, idempotencyKey }: SendRequest): UserError[] {
  const errors = [
    ...storableText(['action'], action, 1, MAX_ACTION),
    ...storableText(['idempotencyKey'], idempotencyKey, 1, MAX_KEY),
  ]
  if (ttl != null && !isValidTtl(ttl)) {
    errors.push(userError('TTL_OUT_OF_RANGE', ['ttl'], `ttl: expected 1 to 86,400 seconds, got ${ttl}`))
  }
  return errors
}

/** The execution that an earlier request with this key made, or the conflict with it; undefined where the key is new or absent. */
async function findRepeated(ctx: Context, request: WrittenRequest): Promise<Outcome<Execution> | undefined> {
  const { idempotencyKey, since } = request
  if (idempotencyKey == null) return undefined
  return withPatience(since, findByKey(ctx, request, idempotencyKey), databaseSilent)
}

async function findByKey(ctx: Context, request: SendRequest, idempotencyKey: string) {
  const [first] = await ctx.db.select().from(idempotencyKeys).where(eq(idempotencyKeys.key, idempotencyKey))
  if (!first) return undefined
  if (first.fingerprint !== fingerprintOf(request)) return fail(idempotencyConflict())
  // Not in one query with its key: with the id at hand only the partition of its time is looked into.
  const execution = await findExecution(ctx, first.executionId)
  return execution && succeed(execution)
}

/**
 * Of the request as it was given, so that a default that changed meanwhile makes no other request of it. One without
 * `delivery` has the fingerprint that it had before there was any: keys of that time are still good.
 */
function fingerprintOf({ thingId, action, params, ttl, delivery }: SendRequest): string {
  const given = { thingId, action, params: params ?? {}, ttl: ttl ?? null }
  const text = canonicalJson(delivery == null ? given : { ...given, delivery })
  return createHash('sha256').update(text).digest('base64url')
}

/** Checked against what is remembered of the registry; what that would refuse, against the registry as it is. */
async function draftOf(ctx: Context, request: WrittenRequest): Promise<Outcome<Draft>> {
  const { thingId } = request
  if (!isThingId(thingId)) return fail(thingNotFound(thingId, 'thingId'))
  const remembered = ctx.registry.recall(thingId)
  const draft = remembered && checkAgainst(remembered, request)
  if (draft?.ok) return draft
  const thing = await readThing(ctx, request)
  return thing ? checkAgainst(thing, request) : fail(thingNotFound(thingId, 'thingId'))
}

const readThing = (ctx: Context, { thingId, since }: WrittenRequest): Promise<RegisteredThing | undefined> =>
  withPatience(since, ctx.registry.read(thingId), databaseSilent)

function checkAgainst({ id, revision, type }: RegisteredThing, request: WrittenRequest): Outcome<Draft> {
  const { action, paramsText, requestedBy, idempotencyKey } = request
  const params = request.params ?? {}
  const definition = type?.commands.find(({ name }) => name === action)
  if (type && type.commands.length > 0 && !definition) return fail(actionUnknown(type.name, action, type.commands))
  const violations = findViolations(params, definition?.paramsSchema ?? null)
  if (violations.length > 0) return fail(...violations)
  const ttl = request.ttl ?? definition?.defaultTtl ?? DEFAULT_TTL_SECONDS
  const delivery = request.delivery ?? definition?.delivery ?? 'AT_MOST_ONCE'
  return succeed({
    thingId: id,
    thingRevision: revision,
    thingType: type?.name ?? null,
    typeRevision: type?.revision ?? null,
    thingTypeVersion: type?.version ?? null,
    action,
    params,
    paramsText,
    ttl,
    ...(delivery === 'AT_LEAST_ONCE' && { delivery, publishAgainIn: publishAgainIn(ttl) }),
    requestedBy,
    idempotencyKey: idempotencyKey ?? null,
    fingerprint: idempotencyKey == null ? null : fingerprintOf(request),
  })
}

interface Sending extends Pick<WrittenRequest, 'since' | 'requestId' | 'traceContext'> {
  /** When this try began, by performance.now(). */
  startedAt: number
}

async function publishExecution(
  ctx: Context,
  execution: Execution,
  { startedAt, since, requestId, traceContext }: Sending,
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
  const current = await findExecution(ctx, id).catch(() => undefined)
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

function actionUnknown(type: string, action: string, commands: readonly { name: string }[]): UserError {
  const known = commands
    .map(({ name }) => name)
    .join(', ')
    .slice(0, 512)
  return userError(
    'ACTION_UNKNOWN',
    ['action'],
    `${type} defines no command ${JSON.stringify(action)}; it defines ${known}.`,
  )
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

const databaseSilent = (): Error => new NotAnswered('the database did not answer a send in time')

const idempotencyConflict = (): UserError =>
  userError('IDEMPOTENCY_CONFLICT', ['idempotencyKey'], 'This idempotency key was used before with another request.')

const unconfirmed = (id: string): string =>
  `The broker did not confirm the request in time. Execution ${id} is recorded and stays SENT until a response or its TTL; the request may or may not have reached the thing.`
