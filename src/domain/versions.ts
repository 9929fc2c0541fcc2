/** The newest state that is known of an execution. */
export interface Known {
  version: number
  /** Since when it is known, on the clock of performance.now(). */
  at: number
}

/** What is known of the last so many executions. */
export interface Versions {
  get(executionId: string): Known | undefined
  /** Remembers this version, and forgets the execution that was raised the longest ago where there are too many. */
  raise(executionId: string, version: number): void
}

export function createVersions(max: number): Versions {
  // A map remembers the order of insertion: taken out and put in again, an execution is the newest.
  const known = new Map<string, Known>()
  return {
    get: (executionId) => known.get(executionId),
    raise(executionId, version) {
      known.delete(executionId)
      known.set(executionId, { version, at: performance.now() })
      if (known.size <= max) return
      for (const oldest of known.keys()) {
        known.delete(oldest)
        return
      }
    },
  }
}
