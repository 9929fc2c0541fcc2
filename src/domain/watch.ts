import { isDatabaseUnavailable } from '../db/errors.ts'
import type { Context } from './context.ts'
import { ExecutionNotFound } from './errors.ts'
import { type Execution, isSettled } from './execution.ts'
import { type ChangeCursor, findExecution, listChanges } from './executions.ts'
import { type ExecutionFilter, matchesFilter } from './filter.ts'

export interface WatchRequest {
  /** One execution: as it is now, then each change, and the end once it is settled. */
  id?: string | null
  filter?: ExecutionFilter | null
  /** First what changed at or after this instant, then live. */
  since?: Date | null
}

/** More undelivered executions than this are dropped from memory and read again from the database. */
const MAX_PENDING = 1_000
const CATCH_UP_PAGE = 200
const RETRY_MS = 500

/**
 * Executions as they change: at least once, never out of order for one execution, never a gap.
 * It listens from this call on, before anything is read. A slow reader holds at most MAX_PENDING executions, each in its
 * latest state; beyond that it is sent back to the database (`behind`), which forgets nothing.
 */
export function watchExecutions(ctx: Context, request: WatchRequest): AsyncIterableIterator<Execution> {
  const { id } = request
  const filter = request.filter ?? {}
  const pending = new Map<string, Execution>()
  let snapshotDue = id != null
  let behind = request.since && !snapshotDue ? cursorWithLag(ctx, request.since) : undefined
  let ended = false
  let wake = () => {}

  const unlisten = ctx.live.listen(
    { executionId: id?.toLowerCase(), thingIds: filter.thingId ?? undefined },
    {
      onChange(execution) {
        if (!matchesFilter(execution, filter)) return
        // Taken out first, so that the latest change is also the last in line.
        pending.delete(execution.id)
        pending.set(execution.id, execution)
        if (pending.size > MAX_PENDING) fallBehind()
        wake()
      },
      onGap(since) {
        if (id != null) snapshotDue = true
        else behind = earlier(behind, cursorWithLag(ctx, since))
        wake()
      },
    },
  )

  function fallBehind(): void {
    let oldest: Date | undefined
    for (const { updatedAt } of pending.values()) if (!oldest || updatedAt < oldest) oldest = updatedAt
    if (oldest) behind = earlier(behind, { at: oldest })
    pending.clear()
  }

  function end(): void {
    ended = true
    unlisten()
    pending.clear()
    wake()
  }

  async function readSnapshot(executionId: string): Promise<void> {
    const execution = await findExecution(ctx, executionId)
    if (!execution) throw new ExecutionNotFound(executionId)
    snapshotDue = false
    if (!pending.has(execution.id) && matchesFilter(execution, filter)) pending.set(execution.id, execution)
    else if (isSettled(execution) && pending.size === 0) end()
  }

  async function catchUp(from: ChangeCursor): Promise<void> {
    behind = undefined
    try {
      const page = await listChanges(ctx, filter, from, CATCH_UP_PAGE)
      const last = page.at(-1)
      if (last && page.length === CATCH_UP_PAGE) behind = earlier(behind, { at: last.updatedAt, afterId: last.id })
      // A live event of the same execution is as new as this row, or newer.
      for (const execution of page) if (!pending.has(execution.id)) pending.set(execution.id, execution)
    } catch (error) {
      behind = earlier(behind, from)
      throw error
    }
  }

  /** Fills `pending`, or waits for something to happen. */
  async function refill(): Promise<void> {
    try {
      if (snapshotDue && id != null) return await readSnapshot(id)
      if (behind) return await catchUp(behind)
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error
      return pause(RETRY_MS)
    }
    if (pending.size === 0 && !ended) await pause()
  }

  function pause(milliseconds?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds)
      wake = () => {
        clearTimeout(timer)
        wake = () => {}
        resolve()
      }
    })
  }

  async function next(): Promise<IteratorResult<Execution>> {
    try {
      while (!ended) {
        // Behind, it reads on before its memory is empty: what is new must not keep it from what it missed.
        const mustRead = snapshotDue || (behind && pending.size < CATCH_UP_PAGE)
        const execution = mustRead ? undefined : takeFirst(pending)
        if (!execution) {
          await refill()
          continue
        }
        if (id != null && isSettled(execution)) end()
        return { done: false, value: execution }
      }
    } catch (error) {
      end()
      throw error
    }
    return { done: true, value: undefined }
  }

  return {
    next,
    async return() {
      end()
      return { done: true, value: undefined }
    },
    async throw(error) {
      end()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function takeFirst(pending: Map<string, Execution>): Execution | undefined {
  for (const [id, execution] of pending) {
    pending.delete(id)
    return execution
  }
  return undefined
}

/** Reads a little further back: what changed before `at` may have become visible only after it. */
const cursorWithLag = ({ commitLagMs }: Context, at: Date): ChangeCursor => ({
  at: new Date(at.getTime() - commitLagMs),
})

function earlier(one: ChangeCursor | undefined, other: ChangeCursor): ChangeCursor {
  return one && one.at <= other.at ? one : other
}
