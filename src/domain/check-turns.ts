/** Jobs that wait to be checked: the schemas take turns, so that one with many slow ones delays each other one by one job. */
import type { Answer, Job } from './check-thread.ts'
import { PATIENCE_MS } from './patience.ts'

/** It took too long; or another one with its schema did, and it was not begun. */
export const GAVE_UP = 'GAVE_UP'
export const PASSED_OVER = 'PASSED_OVER'

export type Asked = Answer | typeof GAVE_UP | typeof PASSED_OVER

export interface WaitingJob {
  job: Job
  /** When its caller came, by performance.now(). */
  since: number
  resolve: (asked: Asked) => void
  reject: (error: unknown) => void
}

export interface CheckTurns {
  count(): number
  countOf(schema: string): number
  add(one: WaitingJob): void
  /** What goes to the thread at a time: one of each schema in turn. Those whose caller has gone are dropped. */
  takeBatch(): WaitingJob[]
  /** Of a batch, what was not done: first of its schema. */
  putBack(jobs: readonly WaitingJob[]): void
  takeOf(schema: string): readonly WaitingJob[]
  takeAll(): readonly WaitingJob[]
}

const MAX_BATCH = 64
const MAX_BATCH_CHARS = 1024 * 1024

export function createCheckTurns(): CheckTurns {
  /** In the order of their turns. */
  const waiting = new Map<string, WaitingJob[]>()
  let count = 0

  function takeBatch(): WaitingJob[] {
    const batch: WaitingJob[] = []
    let chars = 0
    const latest = performance.now() - PATIENCE_MS
    // What is put at the end of a map is come to by the same loop.
    for (const [schema, jobs] of waiting) {
      if (batch.length === MAX_BATCH || chars >= MAX_BATCH_CHARS) break
      const one = jobs.shift()
      waiting.delete(schema)
      if (jobs.length > 0) waiting.set(schema, jobs)
      if (!one) continue
      count -= 1
      if (one.since < latest) continue
      chars += schema.length + one.job.params.length
      batch.push(one)
    }
    return batch
  }

  function putBack(jobs: readonly WaitingJob[]): void {
    for (const one of jobs.toReversed()) {
      const others = waiting.get(one.job.schema)
      if (others) others.unshift(one)
      else waiting.set(one.job.schema, [one])
    }
    count += jobs.length
  }

  function takeOf(schema: string): readonly WaitingJob[] {
    const jobs = waiting.get(schema) ?? []
    waiting.delete(schema)
    count -= jobs.length
    return jobs
  }

  return {
    count: () => count,
    countOf: (schema) => waiting.get(schema)?.length ?? 0,
    add(one) {
      const others = waiting.get(one.job.schema)
      if (others) others.push(one)
      else waiting.set(one.job.schema, [one])
      count += 1
    },
    takeBatch,
    putBack,
    takeOf,
    takeAll: () => [...waiting.keys()].flatMap(takeOf),
  }
}
