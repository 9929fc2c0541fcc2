import { createBoundedMap } from '../base/bounded-map.ts'

/** The newest state that is known of an execution. */
export interface Known {
  version: number
  /** Since when it is known, on the clock of performance.now(). */
  at: number
}

/** What is known of the executions that changed last. */
export interface Versions {
  get(executionId: string): Known | undefined
  raise(executionId: string, version: number): void
}

export function createVersions(max: number): Versions {
  const known = createBoundedMap<string, Known>(max)
  return {
    get: known.get,
    raise: (executionId, version) => known.set(executionId, { version, at: performance.now() }),
  }
}
