import { type Caller, demand } from './access.ts'
import { recordAudit } from './audit.ts'
import type { Context } from './context.ts'
import { type UserError, userError } from './errors.ts'
import { type Execution, isSettled } from './execution.ts'
import { findVisible } from './executions.ts'
import { settleExecutions } from './settle.ts'

/** The execution as it is now, with an error where the cancel did not settle it. */
export interface CancelOutcome {
  execution: Execution | null
  errors: UserError[]
}

/**
 * Settles an open execution as CANCELED. The thing is not told: it may act all the same, and its answer is then kept as
 * evidence. Errors: EXECUTION_NOT_FOUND; ALREADY_SETTLED, with the execution as it is.
 */
export async function cancelExecution(ctx: Context, caller: Caller, id: string): Promise<CancelOutcome> {
  demand(caller, 'send')
  const open = await findVisible(ctx, caller, id)
  if (open && !isSettled(open)) {
    await recordAudit(ctx.db, caller, { action: 'command.cancel', target: open.id, details: { thingId: open.thingId } })
    const [canceled] = await settleExecutions(ctx, [{ executionId: open.id, status: 'CANCELED' }])
    if (canceled) {
      const { requestId, name } = caller
      ctx.log.info({ executionId: open.id, thingId: open.thingId, requestId, by: name }, 'execution canceled')
      return { execution: canceled, errors: [] }
    }
  }
  const execution = await findVisible(ctx, caller, id)
  return { execution: execution ?? null, errors: [explainNotCanceled(id, execution)] }
}

function explainNotCanceled(id: string, execution: Execution | undefined): UserError {
  if (execution)
    return userError('ALREADY_SETTLED', ['id'], `The execution is ${execution.status} already, and stays so.`)
  return userError('EXECUTION_NOT_FOUND', ['id'], `There is no execution ${JSON.stringify(id.slice(0, 64))}.`)
}
