import type { Context } from './context.ts'
import { ExecutionNotFound } from './errors.ts'
import { type Execution, isSettled } from './execution.ts'
import { findExecution } from './executions.ts'
import { type ExecutionFilter, matchesFilter } from './filter.ts'
import type { Source } from './source.ts'

/** One execution: as it is now, then each change that matches, and the end once it is settled, whether that matches or not. */
export function followOne(ctx: Context, id: string, filter: ExecutionFilter, onNews: () => void): Source {
  /** Its latest matching state, until that is handed out. */
  let latest: Execution | undefined
  let settled = false
  /** Its state is in the database only: at the beginning, and after a gap. */
  let unread = true
  let heardSinceReading = false

  const unlisten = ctx.live.listen(
    { executionId: id.toLowerCase() },
    {
      onChange(execution) {
        heardSinceReading = true
        note(execution)
        onNews()
      },
      onGap() {
        unread = true
        onNews()
      },
    },
  )

  function note(execution: Execution): void {
    if (matchesFilter(execution, filter)) latest = execution
    settled = isSettled(execution)
  }

  const mustRead = () => unread && !settled

  async function read(): Promise<void> {
    unread = false
    heardSinceReading = false
    try {
      const execution = await findExecution(ctx, id)
      if (!execution) throw new ExecutionNotFound(id)
      // What was heard meanwhile is as new as the row, or newer.
      if (!heardSinceReading) note(execution)
    } catch (error) {
      unread = true
      throw error
    }
  }

  return {
    take() {
      if (mustRead()) return undefined
      const execution = latest
      latest = undefined
      return execution
    },
    mustRead,
    read,
    isFinished: () => settled && !latest,
    close() {
      unlisten()
      latest = undefined
    },
  }
}
