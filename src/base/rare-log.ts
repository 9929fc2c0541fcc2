import type { Logger } from './log.ts'

const PERIOD_MS = 1000

/** Warns at most once a second, with the number of those left out: whoever is refused may try again in a loop. */
export function createRareWarning(log: Logger, text: string): (fields: object) => void {
  let last = Number.NEGATIVE_INFINITY
  let leftOut = 0
  return (fields) => {
    const now = performance.now()
    if (now - last < PERIOD_MS) {
      leftOut += 1
      return
    }
    log.warn({ ...fields, ...(leftOut > 0 && { leftOut }) }, text)
    last = now
    leftOut = 0
  }
}
