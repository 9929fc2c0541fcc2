import { createHash } from 'node:crypto'
import { eq, sql } from 'drizzle-orm'
import { executions, idempotencyKeys, things, thingTypes } from '../db/schema.ts'
import { canonicalJson, type JsonObject } from '../protocol/json.ts'
import { isThingId } from '../protocol/topics.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import { DEFAULT_TTL_SECONDS, type Execution, isSettled, isValidTtl } from './execution.ts'
import { findExecution } from './executions.ts'
import { inTurn } from './in-turn.ts'
import { validateParams } from './params.ts'
import { storableText } from './text.ts'
import { thingNotFound } from './things.ts'

export interface SendRequest {
  thingId: string
  action: string
  params: JsonObject | null | undefined
  /** Seconds; without a value the command definition's, else 30. */
  ttl: number | null | undefined
  idempotencyKey: string | null | undefined
  /** Which key or user sends it; null where callers are anonymous. */
  requestedBy: string | null
}

const MAX_ACTION = 128
const MAX_KEY = 255

/** An execution that passed every check, ready to be stored. */
interface Draft {
  thingId: string
  thingType: string | null
  thingTypeVersion: string | null
  action: string
  params: JsonObject
  ttl: number
  requestedBy: string | null
}

/**
 * Sends one command to one thing: checks it, commits the execution, publishes the request, and answers once the broker has
 * confirmed it (CONTRACT promises 1 and 4). The same idempotency key with the same request answers with the first
 * execution and sends nothing. Errors: INPUT_INVALID, TTL_OUT_OF_RANGE, THING_NOT_FOUND, ACTION_UNKNOWN, PARAMS_INVALID,
 * IDEMPOTENCY_CONFLICT, BROKER_UNAVAILABLE (nothing recorded), DELIVERY_UNCONFIRMED (recorded, perhaps delivered).
 */
export async function sendCommand(ctx: Context, request: SendRequest): Promise<Outcome<Execution>> {
  const malformed = findProblems(request)
  if (malformed.length > 0) return fail(...malformed)
  const { idempotencyKey } = request
  // A repetition that overlaps the first is answered after it: not before the broker has confirmed the request.
  return idempotencyKey == null
    ? sendOnce(ctx, request)
    : inTurn(ctx.sending, idempotencyKey, () => sendOnce(ctx, request))
}

async function sendOnce(ctx: Context, request: SendRequest): Promise<Outcome<Execution>> {
  const repeated = await findRepeated(ctx, request)
  if (repeated) return repeated
  const draft = await checkAgainstRegistry(ctx, request)
  if (!draft.ok) return draft
  if (!ctx.gateway.isAvailable()) return fail(brokerUnavailable())
  const startedAt = performance.now()
  const execution = await storeExecution(ctx, draft.value, request)
  if (!execution) return answerWithQuicker(ctx, request)
  ctx.live.publish([execution])
  return publishExecution(ctx, execution, startedAt)
}

/** Another replica was quicker with the same key: its execution is committed, and is the answer. */
async function answerWithQuicker(ctx: Context, request: SendRequest): Promise<Outcome<Execution>> {
  const repeated = await findRepeated(ctx, request)
  if (!repeated) throw new Error('an idempotency key is taken, and there is no execution of it')
  return repeated
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
async function findRepeated(ctx: Context, request: SendRequest): Promise<Outcome<Execution> | undefined> {
  const { idempotencyKey } = request
  if (idempotencyKey == null) return undefined
  const [first] = await ctx.db
    .select({ fingerprint: idempotencyKeys.fingerprint, execution: executions })
    .from(idempotencyKeys)
    .innerJoin(executions, eq(executions.id, idempotencyKeys.executionId))
    .where(eq(idempotencyKeys.key, idempotencyKey))
  if (!first) return undefined
  if (first.fingerprint === fingerprintOf(request)) return succeed(first.execution)
  return fail(
    userError('IDEMPOTENCY_CONFLICT', ['idempotencyKey'], 'This idempotency key was used before with another request.'),
  )
}

/** Of the request as it was given, so that a default that changed meanwhile makes no other request of it. */
function fingerprintOf({ thingId, action, params, ttl }: SendRequest): string {
  const text = canonicalJson({ thingId, action, params: params ?? {}, ttl: ttl ?? null })
  return createHash('sha256').update(text).digest('base64url')
}

async function checkAgainstRegistry(ctx: Context, request: SendRequest): Promise<Outcome<Draft>> {
  const { thingId, action, requestedBy } = request
  const params = request.params ?? {}
  const [found] = isThingId(thingId)
    ? await ctx.db
        .select({ type: thingTypes })
        .from(things)
        .leftJoin(thingTypes, eq(thingTypes.name, things.thingType))
        .where(eq(things.id, thingId))
    : []
  if (!found) return fail(thingNotFound(thingId, 'thingId'))
  const { type } = found
  const definition = type?.commands.find(({ name }) => name === action)
  if (type && type.commands.length > 0 && !definition) return fail(actionUnknown(type.name, action, type.commands))
  const errors = validateParams(params, definition?.paramsSchema ?? null)
  if (errors.length > 0) return fail(...errors)
  const ttl = request.ttl ?? definition?.defaultTtl ?? DEFAULT_TTL_SECONDS
  const checkedAgainst = { thingType: type?.name ?? null, thingTypeVersion: type?.version ?? null }
  return succeed({ thingId, ...checkedAgainst, action, params, ttl, requestedBy })
}

/** Commits the execution, with its idempotency key in the same transaction. Undefined where the key was taken meanwhile. */
async function storeExecution(ctx: Context, draft: Draft, request: SendRequest): Promise<Execution | undefined> {
  const { idempotencyKey } = request
  if (idempotencyKey == null) return insertExecution(ctx.db, draft)
  return ctx.db.transaction(async (tx) => {
    // The key first: a second transaction with it waits here until the first is committed.
    const id = sql<string>`uuid_v7(now())`
    const [claimed] = await tx
      .insert(idempotencyKeys)
      .values({ key: idempotencyKey, fingerprint: fingerprintOf(request), executionId: id })
      .onConflictDoNothing()
      .returning({ executionId: idempotencyKeys.executionId })
    return claimed && insertExecution(tx, draft, claimed.executionId)
  })
}

async function insertExecution(db: Pick<Context['db'], 'insert'>, draft: Draft, id?: string): Promise<Execution> {
  const expiresAt = sql`now() + make_interval(secs => ${draft.ttl})`
  const [execution] = await db
    .insert(executions)
    .values({ ...draft, ...(id && { id }), expiresAt })
    .returning()
  if (!execution) throw new Error('the insert of an execution returned no row')
  return execution
}

async function publishExecution(ctx: Context, execution: Execution, startedAt: number): Promise<Outcome<Execution>> {
  const { id, thingId, commandId, action, params, ttl, createdAt } = execution
  const outcome = await ctx.gateway.publishRequest({
    thingId,
    executionId: id,
    message: { commandId, action, params, timestamp: Math.floor(createdAt.getTime() / 1000), ttl },
    // Our own elapsed time, and not the difference of two clocks.
    ttlLeftMs: ttl * 1000 - (performance.now() - startedAt),
  })
  if (outcome.kind === 'confirmed') {
    if (!outcome.hasSubscriber) await noteNoSubscriber(ctx, id)
    ctx.log.info({ executionId: id, thingId, action, ttl, hasSubscriber: outcome.hasSubscriber }, 'command sent')
    return succeed(execution)
  }
  ctx.log.warn({ executionId: id, thingId, why: outcome.why }, 'the broker did not confirm a request')
  // Settled meanwhile, it needs no confirmation: what became of it is known. A database that is away now must not hide
  // that the execution is recorded: the caller would be told to try again, and a command might be done twice.
  const current = await findExecution(ctx, id).catch(() => undefined)
  if (current && isSettled(current)) return succeed(current)
  return fail({ ...userError('DELIVERY_UNCONFIRMED', [], unconfirmed(id)), executionId: id })
}

/** What the execution will say if nobody answers (CONTRACT: NO_SUBSCRIBER). Only a hint: where it cannot be stored, the command is sent all the same. */
async function noteNoSubscriber(ctx: Context, executionId: string): Promise<void> {
  try {
    await ctx.db.update(executions).set({ noSubscriber: true }).where(eq(executions.id, executionId))
  } catch (error) {
    ctx.log.warn({ executionId, err: error }, 'could not note that nobody was subscribed')
  }
}

function actionUnknown(type: string, action: string, commands: { name: string }[]): UserError {
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

const unconfirmed = (id: string): string =>
  `The broker did not confirm the request in time. Execution ${id} is recorded and stays SENT until a response or its TTL; the request may or may not have reached the thing.`
