/** The same key is the same execution (CONTRACT promise 6). */
import { createHash } from 'node:crypto'
import { executions } from '../db/schema.ts'
import { type RunStatement, returning } from '../db/statement.ts'
import { canonicalJson } from '../protocol/json.ts'
import { coversExecution } from './access.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import type { Execution } from './execution.ts'
import { createGroupCommit, type GroupCommit } from './group-commit.ts'
import type { SendRequest, WrittenRequest } from './send-request.ts'

/** What a key stands for. Without an execution where that has left (retention). */
interface Keyed {
  fingerprint: string
  execution: Execution | undefined
}

export type FindKeyed = GroupCommit<string, Keyed | undefined>

const MAX_BATCH = 500

/**
 * Looks keys up, those that come together in one statement: after an outage every caller repeats what it sent, and one
 * query for each would keep the database from settling. Who waits too long is taken out, and leaves no query behind.
 */
export const createKeyLookup = (run: RunStatement): FindKeyed =>
  createGroupCommit({ items: MAX_BATCH }, async (keys) => {
    const rows = await run<Row>(FIND, [JSON.stringify(keys)])
    const found = new Map(
      rows.map(({ key, fingerprint, exists, ...execution }) => [
        key,
        { fingerprint, execution: exists ? execution : undefined },
      ]),
    )
    return keys.map((key) => found.get(key))
  })

/** All of the execution is null where there is none. */
type Row = Execution & { key: string; fingerprint: string; exists: boolean }

/** Each id is looked up by itself (`limit`), in the partition of its time only, whatever the planner knows of the tables. */
const FIND = `
with keyed as materialized (
  select key, fingerprint, execution_id from idempotency_keys
  where key in (select json_array_elements_text($1::text::json))
)
select keyed.key, keyed.fingerprint, execution.id is not null as exists, ${returning(executions, 'execution')}
from keyed left join lateral (select * from executions where id = keyed.execution_id limit 1) as execution on true`

/**
 * The execution that an earlier request with this key made, or the conflict with it; undefined where the key is new or
 * absent. Throws NotBegun where the database does not come to it in time.
 */
export async function findRepeated(ctx: Context, request: WrittenRequest): Promise<Outcome<Execution> | undefined> {
  const { idempotencyKey, since } = request
  if (idempotencyKey == null) return undefined
  const keyed = await ctx.findKeyed(idempotencyKey, since)
  if (!keyed) return undefined
  const { fingerprint, execution } = keyed
  if (fingerprint !== fingerprintOf(request)) return fail(idempotencyConflict())
  if (execution && !coversExecution(request.caller.authority, execution)) return fail(idempotencyConflict())
  return execution && succeed(execution)
}

/**
 * Of the request as it was given, so that a default that changed meanwhile makes no other request of it. One without
 * `delivery` has the fingerprint that it had before there was any: keys of that time are still good.
 */
export function fingerprintOf({ thingId, action, params, ttl, delivery }: SendRequest): string {
  const given = { action, params: params ?? {}, thingId, ttl: ttl ?? null }
  const text = canonicalJson(delivery == null ? given : { ...given, delivery })
  return createHash('sha256').update(text).digest('base64url')
}

const idempotencyConflict = (): UserError =>
  userError('IDEMPOTENCY_CONFLICT', ['idempotencyKey'], 'This idempotency key was used before with another request.')
