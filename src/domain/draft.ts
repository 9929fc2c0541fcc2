/** Checks a command against the registry, and makes of it what is stored. */
import { isThingId } from '../protocol/topics.ts'
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
  const draft = remembered && checkAgainst(remembered, request)
  if (draft?.ok) return draft
  const thing = await readThing(ctx, request)
  return thing ? checkAgainst(thing, request) : fail(thingNotFound(thingId, 'thingId'))
}

export const readThing = (ctx: Context, { thingId, since }: WrittenRequest): Promise<RegisteredThing | undefined> =>
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
    requestedFrom: null,
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
