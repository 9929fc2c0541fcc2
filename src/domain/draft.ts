/** Checks a command against the registry, and makes of it what is stored. */
import type { CommandDefinition } from '../db/schema.ts'
import { isThingId } from '../protocol/topics.ts'
import { coversType } from './access.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import { DEFAULT_TTL_SECONDS, publishAgainIn } from './execution.ts'
import { fingerprintOf } from './idempotency.ts'
import { findViolations } from './params.ts'
import { databaseSilent, withPatience } from './patience.ts'
import type { RegisteredThing } from './registry.ts'
import type { WrittenRequest } from './send-request.ts'
import type { Draft } from './store-execution.ts'
import { thingNotFound } from './thing.ts'

/** Checked against what is remembered of the registry; what that would refuse, against the registry as it is. */
export async function draftOf(ctx: Context, request: WrittenRequest): Promise<Outcome<Draft>> {
  const { thingId } = request
  if (!isThingId(thingId)) return fail(thingNotFound(thingId, 'thingId'))
  const remembered = ctx.registry.recall(thingId)
  const checked = remembered && checkAgainst(ctx, remembered, request)
  // Not awaited where it is there: nothing of a usual send waits for a turn of its own.
  const draft = checked instanceof Promise ? await checked : checked
  if (draft?.ok) return draft
  const thing = await readThing(ctx, request)
  if (!thing) return fail(thingNotFound(thingId, 'thingId'))
  const isSame = thing.revision === remembered?.revision && thing.type === remembered.type
  return draft && isSame ? draft : checkAgainst(ctx, thing, request)
}

export const readThing = (ctx: Context, { thingId, since }: WrittenRequest): Promise<RegisteredThing | undefined> =>
  withPatience(since, ctx.registry.read(thingId), databaseSilent)

function checkAgainst(
  ctx: Context,
  thing: RegisteredThing,
  request: WrittenRequest,
): Outcome<Draft> | Promise<Outcome<Draft>> {
  const { type } = thing
  const { action, caller } = request
  // What the caller may not see does not exist for it.
  if (!coversType(caller.authority, type?.name ?? null)) return fail(thingNotFound(thing.id, 'thingId'))
  const definition = type?.commands.find(({ name }) => name === action)
  if (type && type.commands.length > 0 && !definition) return fail(actionUnknown(type.name, action, type.commands))
  const violations = findViolations(ctx, request, definition?.paramsSchema ?? null)
  return violations instanceof Promise
    ? violations.then((found) => conclude(found, thing, definition, request))
    : conclude(violations, thing, definition, request)
}

function conclude(
  violations: readonly UserError[],
  { id, revision, type }: RegisteredThing,
  definition: CommandDefinition | undefined,
  request: WrittenRequest,
): Outcome<Draft> {
  if (violations.length > 0) return fail(...violations)
  const { action, paramsText, caller, idempotencyKey } = request
  const params = request.params ?? {}
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
    requestedBy: caller.name,
    // Of an anonymous caller it is the loopback.
    requestedFrom: caller.name === null ? null : caller.address,
    idempotencyKey: idempotencyKey ?? null,
    fingerprint: idempotencyKey == null ? null : fingerprintOf(request),
  })
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
