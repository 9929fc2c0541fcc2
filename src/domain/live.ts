import type { Execution } from './execution.ts'

/** Where a listener's events come from: one execution, some things, or everything. */
export interface LiveScope {
  executionId?: string | undefined
  thingIds?: readonly string[] | undefined
}

export interface LiveListener {
  /** An execution as it was committed. Never older than what the listener was told of it before. */
  onChange(execution: Execution): void
  /** Changes of this instant and later may have been missed: read them from the database. */
  onGap(since: Date): void
}

/** Tells whoever listens in this process what was committed, and nothing else (CONTRACT promise 10). */
export interface Live {
  publish(executions: readonly Execution[]): void
  /** Listens from this call on. Returns the function that ends it. */
  listen(scope: LiveScope, listener: LiveListener): () => void
  announceGap(since: Date): void
  listenerCount(): number
}

/** Indexed by execution and by thing, so that a change costs what its own listeners cost, not what all of them do. */
export function createLive(): Live {
  const byExecution = new Map<string, Set<LiveListener>>()
  const byThing = new Map<string, Set<LiveListener>>()
  const toAll = new Set<LiveListener>()
  const everyone = new Set<LiveListener>()

  function publish(executions: readonly Execution[]): void {
    if (everyone.size === 0) return
    for (const execution of executions) {
      tell(byExecution.get(execution.id), execution)
      tell(byThing.get(execution.thingId), execution)
      tell(toAll, execution)
    }
  }

  function listen(scope: LiveScope, listener: LiveListener): () => void {
    const leave = enter(scope, listener)
    everyone.add(listener)
    return () => {
      leave()
      everyone.delete(listener)
    }
  }

  function enter({ executionId, thingIds }: LiveScope, listener: LiveListener): () => void {
    if (executionId) return addTo(byExecution, executionId, listener)
    if (thingIds) {
      const leavings = [...new Set(thingIds)].map((id) => addTo(byThing, id, listener))
      return () => {
        for (const leave of leavings) leave()
      }
    }
    toAll.add(listener)
    return () => toAll.delete(listener)
  }

  return {
    publish,
    listen,
    announceGap: (since) => {
      for (const listener of everyone) listener.onGap(since)
    },
    listenerCount: () => everyone.size,
  }
}

function tell(listeners: Set<LiveListener> | undefined, execution: Execution): void {
  if (listeners) for (const listener of listeners) listener.onChange(execution)
}

function addTo(index: Map<string, Set<LiveListener>>, key: string, listener: LiveListener): () => void {
  const listeners = index.get(key) ?? new Set()
  index.set(key, listeners.add(listener))
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0 && index.get(key) === listeners) index.delete(key)
  }
}
