/** A thread that checks params against schemas: what it takes for a batch takes no time of the service's own. */
import { Worker } from 'node:worker_threads'
import type { Answer, Job } from './schema-thread.mjs'

export type { Answer, Job }

export interface CheckThread {
  /** Rejects where it cannot be started. */
  ready: Promise<void>
  /** One batch at a time: for the first of the jobs, one at least, or the place of the one it had to be ended at. */
  ask(batch: readonly Job[], limitMs: number): Promise<BatchAnswer>
  /** A batch that is under way is never answered. */
  end(): Promise<unknown>
}

/** `stuckAt`: by time or by memory; the thread is no more. */
export type BatchAnswer = { answers: readonly Answer[] } | { stuckAt: number }

const CODE = new URL('./schema-thread.mjs', import.meta.url)
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 }

export function startCheckThread(): CheckThread {
  const place = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const worker = new Worker(CODE, { workerData: place, resourceLimits: LIMITS, execArgv: [] })
  let answer: ((answered: BatchAnswer) => void) | undefined
  const ready = new Promise<void>((resolve, reject) => {
    worker
      .once('message', () => resolve())
      .once('error', reject)
      .once('exit', () => reject(new Error('the thread that checks params ended before it was ready')))
  })
  const stuck = () => answer?.({ stuckAt: Atomics.load(place, 0) })
  worker
    .on('message', (answers: readonly Answer[]) => answer?.({ answers }))
    .on('error', stuck)
    .on('exit', stuck)
  // It keeps no process up. After the listeners, because one for messages would make it do so again.
  worker.unref()

  return {
    ready,
    ask(batch, limitMs) {
      let timer: NodeJS.Timeout | undefined
      const answered = new Promise<BatchAnswer>((resolve) => {
        answer = resolve
        worker.postMessage(batch)
        // Where it was this process that did not come to read the answer, the answer is read first.
        timer = setTimeout(() => setImmediate(() => answer === resolve && stuck()), limitMs)
      })
      return answered.finally(() => {
        answer = undefined
        clearTimeout(timer)
      })
    },
    end: () => worker.terminate(),
  }
}
