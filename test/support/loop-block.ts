/** How long the event loop of this process was held up by one thing, while something went on. */
import { readFileSync } from 'node:fs'

const SCHEDSTAT = `/proc/self/task/${process.pid}/schedstat`
const EVERY_MS = 2

/**
 * The longest time between two turns of a timer, in milliseconds: on the CPU where the system tells it (Linux), so that other
 * processes of a busy machine do not count.
 */
export async function longestBlock<T>(work: () => Promise<T>): Promise<{ result: T; blockMs: number }> {
  let last = cpuNow()
  let blockMs = 0
  const look = () => {
    const current = cpuNow()
    blockMs = Math.max(blockMs, current - last)
    last = current
  }
  const timer = setInterval(look, EVERY_MS)
  try {
    const result = await work()
    look()
    return { result, blockMs }
  } finally {
    clearInterval(timer)
  }
}

/** Milliseconds that this thread was on a CPU, or that went by. */
export function cpuNow(): number {
  try {
    return Number(readFileSync(SCHEDSTAT, 'utf8').split(' ')[0]) / 1e6
  } catch {
    return performance.now()
  }
}
