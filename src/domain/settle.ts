import { isDeadlock } from '../db/errors.ts'
import { executions } from '../db/schema.ts'
import { returning } from '../db/statement.ts'
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

/** In the order of their ids, in which the database then takes the rows: two replicas with the same ones seldom deadlock. */
function updateOpen({ run, replica }: Context, settlements: readonly Settlement[]): Promise<Execution[]> {
  const given = settlements
    .map(({ executionId, thingId, status, result, reason }) => ({
      id: executionId,
      thingId,
      status,
      result,
      ...reason,
    }))
    .sort((one, other) => (one.id < other.id ? -1 : 1))
  return run<Execution>(SETTLE, [JSON.stringify(given), replica])
}

const SETTLE = `
update executions set
  status = given.status,
  result = given.result,
  reason_code = case when given.status = 'TIMED_OUT' and no_subscriber then 'NO_SUBSCRIBER' else given.code end,
  reason_message = given.message,
  settled_by = $2,
  settled_at = clock_timestamp(),
  updated_at = greatest(clock_timestamp(), updated_at)
from json_to_recordset($1::text::json) as given(
  id uuid, "thingId" text, status execution_status, result jsonb, code text, message text)
where executions.id = given.id and executions.status = 'SENT' and thing_id = coalesce(given."thingId", thing_id)
returning ${returning(executions, 'executions')}`

async function retryDeadlocks<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (!isDeadlock(error) || tries === MAX_TRIES) throw error
    }
  }
}
