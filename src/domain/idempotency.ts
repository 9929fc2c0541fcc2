/** The same key is the same execution (CONTRACT promise 6). */
import { createHash } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { idempotencyKeys } from '../db/schema.ts'
import { canonicalJson } from '../protocol/json.ts'
import { coversExecution } from './access.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import type { Execution } from './execution.ts'
import { findExecution } from './executions.ts'
import { databaseSilent, withPatience } from './patience.ts'
import type { SendRequest, WrittenRequest } from './send-request.ts'

/** The execution that an earlier request with this key made, or the conflict with it; undefined where the key is new or absent. */
export async function findRepeated(ctx: Context, request: WrittenRequest): Promise<Outcome<Execution> | undefined> {
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
  if (execution && !coversExecution(request.caller.authority, execution)) return fail(idempotencyConflict())
  return execution && succeed(execution)
}

/**
 * Of the request as it was given, so that a default that changed meanwhile makes no other request of it. One without
 * `delivery` has the fingerprint that it had before there was any: keys of that time are still good.
 */
export function fingerprintOf({ thingId, action, params, ttl, delivery }: SendRequest): string {
  const given = { thingId, action, params: params ?? {}, ttl: ttl ?? null }
  const text = canonicalJson(delivery == null ? given : { ...given, delivery })
  return createHash('sha256').update(text).digest('base64url')
}

const idempotencyConflict = (): UserError =>
  userError('IDEMPOTENCY_CONFLICT', ['idempotencyKey'], 'This idempotency key was used before with another request.')
