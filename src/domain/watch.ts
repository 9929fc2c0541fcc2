import type { Context } from './context.ts'
import { type Execution, isSettled } from './execution.ts'
import type { ExecutionFilter } from './filter.ts'
import { followMany } from './follow-many.ts'
import { followOne } from './follow-one.ts'
import type { Listen } from './signal.ts'
import { iterateSource } from './source.ts'

export interface WatchRequest {
  /** One execution: as it is now, then each change, and the end once it is settled. */
  id?: string | null
  filter?: ExecutionFilter | null
  /** First what changed at or after this instant, then live. Of no consequence with an id. */
  since?: Date | null
}

/**
 * Executions as they change: at least once, never out of order for one execution, never a gap. It listens from this call
 * on, before anything is read. A slow reader gets each execution in its latest state; what waits for it is bounded.
 */
export function watchExecutions(
  ctx: Context,
  { id, filter, since }: WatchRequest,
  onEnd?: () => void,
): AsyncIterableIterator<Execution> {
  return iterateSource(
    (onNews) =>
      id == null ? followMany(ctx, filter ?? {}, since ?? undefined, onNews) : followOne(ctx, id, filter ?? {}, onNews),
    onEnd,
  )
}

/** Waits until an execution is settled, which it is by its TTL at the latest; gives up, with what it is then, when the caller is gone or the service stops. */
export async function waitUntilSettled(ctx: Context, execution: Execution, onGone: Listen): Promise<Execution> {
  if (isSettled(execution)) return execution
  const changes = watchExecutions(ctx, { id: execution.id })
  const giveUp = () => void changes.return?.()
  const forgets = [onGone(giveUp), ctx.stopping.listen(giveUp)]
  let latest = execution
  try {
    for await (const change of changes) latest = change
  } finally {
    for (const forget of forgets) forget()
  }
  return latest
}
