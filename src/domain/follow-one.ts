import type { Context } from './context.ts'
import { ExecutionNotFound } from './errors.ts'
import { type Execution, isSettled, versionOf } from './execution.ts'
import { type ExecutionFilter, matchesFilter } from './filter.ts'
import { hearChanges } from './hear.ts'
import type { Source } from './source.ts'

/** One execution: as it is now, then each change that matches, and the end once it is settled, whether that matches or not. */
export function followOne(ctx: Context, id: string, filter: ExecutionFilter, onNews: () => void): Source<Execution> {
  /** Its latest matching state, until that is handed out. */
  let latest: Execution | undefined
  let settled = false
  /** Its state is in the database only: at the beginning, and after a gap. */
  let unread = true
  /** The version of the newest state that is known. */
  let known = -1

  const hearing = hearChanges(
    ctx,
    { executionId: id.toLowerCase() },
    {
      onChange(execution) {
        note(execution)
        onNews()
      },
      onGap() {
        unread = true
        onNews()
      },
    },
  )

  /** What is read may be older than what was heard meanwhile, and the other way round. */
  function note(execution: Execution): void {
    if (versionOf(execution) <= known) return
    known = versionOf(execution)
    if (matchesFilter(execution, filter)) latest = execution
    settled = isSettled(execution)
  }

  const mustRead = () => unread && !settled

  async function read(): Promise<void> {
    await hearing.ready
    unread = false
    try {
      const execution = await ctx.findExecution(id)
      if (!execution) throw new ExecutionNotFound(id)
      note(execution)
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
      hearing.stop()
      latest = undefined
    },
  }
}
