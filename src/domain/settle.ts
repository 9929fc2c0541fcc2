import { getTableColumns } from 'drizzle-orm'
import { isDeadlock } from '../db/errors.ts'
import { executions } from '../db/schema.ts'
import { returning } from '../db/statement.ts'
import type { Json } from '../protocol/json.ts'
import type { Caller } from './access.ts'
import type { Context } from './context.ts'
import { countSettled } from './count.ts'
import type { Execution, TerminalStatus } from './execution.ts'
import type { TraceContext } from './ports.ts'

export interface Settlement {
  executionId: string
  /** Only where the execution is this thing's. Absent: whosever it is. */
  thingId?: string
  status: TerminalStatus
  result?: Json | null
  reason?: { code: string; message: string | null } | null
  /** Of the thing's own span. */
  traceContext?: TraceContext | undefined
}

const MAX_TRIES = 5

/**
 * Moves executions from SENT to their terminal status, and returns those that this call moved: a response, a timeout and
 * a cancel all come through this one statement, and whoever comes first wins (CONTRACT promise 2).
 * At most one settlement for each execution may be given. Subscribers hear of it after the commit.
 */
export async function settleExecutions(ctx: Context, settlements: readonly Settlement[]): Promise<Execution[]> {
  if (settlements.length === 0) return []
  const traceSettled = ctx.tracing?.startSettling(settlements)
  const settled = await retryDeadlocks(() => moveSettled(ctx, settlements))
  countSettled(ctx.metrics, settled)
  ctx.live.publish(settled)
  traceSettled?.(settled)
  return settled
}

/** In the order of their ids, in which the database then takes the rows: two replicas with the same ones seldom deadlock. */
function moveSettled({ run, replica }: Context, settlements: readonly Settlement[]): Promise<Execution[]> {
  const given = settlements.map(toRow).sort(byId)
  return run<Execution>(SETTLE, [JSON.stringify(given), replica])
}

const toRow = ({ executionId, thingId, status, result, reason }: Settlement) => ({
  id: executionId,
  thingId,
  status,
  result,
  code: reason?.code,
  message: reason?.message,
})

const byId = (one: { id: string }, other: { id: string }): number => (one.id < other.id ? -1 : 1)

/** Settles up to so many of those whose TTL has passed as TIMED_OUT, the first ones first, and returns them. */
export async function settleExpired(ctx: Context, limit: number): Promise<Execution[]> {
  const traceSettled = ctx.tracing?.startSettling()
  const settled = await retryDeadlocks(() => ctx.run<Execution>(SETTLE_EXPIRED, [limit, ctx.replica]))
  countSettled(ctx.metrics, settled)
  ctx.live.publish(settled)
  traceSettled?.(settled)
  return settled
}

/** Settles an open execution as CANCELED; the audit has it if, and only if, this call did. */
export async function settleCanceled(
  ctx: Context,
  caller: Caller,
  executionId: string,
): Promise<Execution | undefined> {
  const traceSettled = ctx.tracing?.startSettling([{ executionId }])
  const { name, address, requestId } = caller
  const given = [executionId, ctx.replica, name, address, requestId ?? null]
  const settled = await retryDeadlocks(() => ctx.run<Execution>(SETTLE_CANCELED, given))
  countSettled(ctx.metrics, settled)
  ctx.live.publish(settled)
  traceSettled?.(settled)
  return settled[0]
}

/** Not kept: what is settled is not published again. */
const { status, result, reasonCode, reasonMessage, settledBy, settledAt, updatedAt, publishAgainAt, ...kept } =
  getTableColumns(executions)
const names = (columns: object): string[] => Object.values(columns).map(({ name }) => name)
const KEPT = names(kept)
const SETTLED = names({ status, result, reasonCode, reasonMessage, settledBy, settledAt, updatedAt })

/**
 * The row moves from the open executions to the settled ones. Taken out and put in, and not by an UPDATE across the
 * partitions: whoever waits for such a row is refused (40001), for one that is gone he simply does not find it.
 * The clock is read once for each: read again for updated_at, it would now and then be a millisecond further.
 */
const moving = (given: string, beside = ''): string => `
with given as materialized (${given}), taken as (
  delete from executions_open as open using given
  where open.id = given.id and open.thing_id = coalesce(given."thingId", open.thing_id)
  returning ${KEPT.map((name) => `open.${name}`)}, open.updated_at, given.status, given.result, given.code, given.message,
    clock_timestamp() as settled_at
)${beside}
insert into executions (${KEPT}, ${SETTLED})
select ${KEPT}, status, result, case when status = 'TIMED_OUT' and no_subscriber then 'NO_SUBSCRIBER' else code end,
  message, $2, settled_at, greatest(settled_at, updated_at)
from taken
returning ${returning(executions)}`

const SETTLE = moving(`
  select * from json_to_recordset($1::text::json) as given(
    id uuid, "thingId" text, status execution_status, result jsonb, code text, message text)`)

/** Whoever holds a row is about to settle it, and we do not wait for that: so no two replicas go through the same ones. */
const SETTLE_EXPIRED = moving(`
  select id, thing_id as "thingId", 'TIMED_OUT'::execution_status as status, null::jsonb as result, 'NO_RESPONSE' as code,
    null as message
  from executions_open where status = 'SENT' and expires_at <= now()
  order by expires_at limit $1 for update skip locked`)

const SETTLE_CANCELED = moving(
  `select $1::uuid as id, null::text as "thingId", 'CANCELED'::execution_status as status, null::jsonb as result,
  null::text as code, null::text as message`,
  `, audited as (
  insert into audit_events (action, actor, address, target, request_id, details)
  select 'command.cancel', $3::text, $4::text, id::text, $5::text, jsonb_build_object('thingId', thing_id) from taken
)`,
)

async function retryDeadlocks<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (!isDeadlock(error) || tries === MAX_TRIES) throw error
    }
  }
}
