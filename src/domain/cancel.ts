import { type Caller, demand, isNarrowed } from './access.ts'
import type { Context } from './context.ts'
import { type UserError, userError } from './errors.ts'
import type { Execution } from './execution.ts'
import { findVisible } from './executions.ts'
import { isUuid } from './filter.ts'
import { settleCanceled } from './settle.ts'

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
  const isVisible = !isNarrowed(caller.authority) || (await findVisible(ctx, caller, id)) !== undefined
  const canceled = isVisible && isUuid(id) ? await settleCanceled(ctx, caller, id) : undefined
  if (canceled) {
    const { requestId, name } = caller
    ctx.log.info({ executionId: id, thingId: canceled.thingId, requestId, by: name }, 'execution canceled')
    return { execution: canceled, errors: [] }
  }
  const execution = await findVisible(ctx, caller, id)
  return { execution: execution ?? null, errors: [explainNotCanceled(id, execution)] }
}

function explainNotCanceled(id: string, execution: Execution | undefined): UserError {
  if (execution)
    return userError('ALREADY_SETTLED', ['id'], `The execution is ${execution.status} already, and stays so.`)
  return userError('EXECUTION_NOT_FOUND', ['id'], `There is no execution ${JSON.stringify(id.slice(0, 64))}.`)
}
