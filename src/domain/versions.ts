/** The newest state that is known of an execution. */
export interface Known {
  version: number
  /** Since when it is known, on the clock of performance.now(). */
  at: number
}

/** What is known of the last so many executions. */
export interface Versions {
  get(executionId: string): Known | undefined
  /** Remembers this version. Where there are too many, those that were raised the longest ago are forgotten. */
  raise(executionId: string, version: number): void
}

/** Keeps `max` at most and half of it at least. In two generations: to look for the oldest in a map takes longer than all the rest. */
export function createVersions(max: number): Versions {
  let young = new Map<string, Known>()
  let old = new Map<string, Known>()
  return {
    get: (executionId) => young.get(executionId) ?? old.get(executionId),
    raise(executionId, version) {
      young.set(executionId, { version, at: performance.now() })
      if (young.size < max / 2) return
      old = young
      young = new Map()
    },
  }
}
