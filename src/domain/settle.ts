import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { isDeadlock } from '../db/errors.ts'
import { executions } from '../db/schema.ts'
import type { Json } from '../protocol/json.ts'
import type { Context } from './context.ts'
import type { Execution, TerminalStatus } from './execution.ts'

export interface Settlement {
  executionId: string
  /** Only where the execution is this thing's. Absent: whosever it is. */
  thingId?: string
  status: TerminalStatus
  result?: Json | null
  reason?: { code: string; message: string | null } | null
}

const MAX_TRIES = 5

/**
 * Moves executions from SENT to their terminal status, and returns those that this call moved: a response, a timeout and
 * a cancel all come through this one guarded UPDATE, and whoever comes first wins (CONTRACT promise 2).
 * At most one settlement for each execution may be given. Subscribers hear of it after the commit.
 */
export async function settleExecutions(ctx: Context, settlements: readonly Settlement[]): Promise<Execution[]> {
  if (settlements.length === 0) return []
  const settled = await retryDeadlocks(() => updateOpen(ctx, settlements))
  ctx.live.publish(settled)
  return settled
}

function updateOpen({ db, replica }: Context, settlements: readonly Settlement[]): Promise<Execution[]> {
  return db
    .update(executions)
    .set({
      status: sql`settlement.status`,
      result: sql`settlement.result`,
      reasonCode: sql`case when settlement.status = 'TIMED_OUT' and ${executions.noSubscriber} then 'NO_SUBSCRIBER' else settlement.reason_code end`,
      reasonMessage: sql`settlement.reason_message`,
      settledBy: replica,
      settledAt: sql`clock_timestamp()`,
      updatedAt: sql`greatest(clock_timestamp(), ${executions.updatedAt})`,
    })
    .from(lockOpen(settlements))
    .where(and(eq(executions.id, sql`settlement.id`), eq(executions.status, 'SENT')))
    .returning(getTableColumns(executions))
}

/** The settlements whose execution is open, locked in the order of their ids: two replicas with one batch do not deadlock. */
function lockOpen(settlements: readonly Settlement[]) {
  const rows = settlements.map(({ executionId, thingId, status, result, reason }) => ({
    id: executionId,
    thing_id: thingId,
    status,
    result,
    reason_code: reason?.code,
    reason_message: reason?.message,
  }))
  return sql`(
    select given.* from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given(
      id uuid, thing_id text, status execution_status, result jsonb, reason_code text, reason_message text)
    join executions open on open.id = given.id
    where open.status = 'SENT' and open.thing_id = coalesce(given.thing_id, open.thing_id)
    order by given.id
    for update of open
  ) as settlement`
}

async function retryDeadlocks<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (!isDeadlock(error) || tries === MAX_TRIES) throw error
    }
  }
}
