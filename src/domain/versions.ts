/** The highest version known of each execution, of the last so many. */
export interface Versions {
  get(executionId: string): number | undefined
  /** Remembers this version, and forgets the execution that was raised the longest ago where there are too many. */
  raise(executionId: string, version: number): void
}

export function createVersions(max: number): Versions {
  // A map remembers the order of insertion: taken out and put in again, an execution is the newest.
  const known = new Map<string, number>()
  return {
    get: (executionId) => known.get(executionId),
    raise(executionId, version) {
      known.delete(executionId)
      known.set(executionId, version)
      if (known.size <= max) return
      for (const oldest of known.keys()) {
        known.delete(oldest)
        return
      }
    },
  }
}
