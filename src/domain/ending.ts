/** Calls it at the end, at once where that has been. Returns the function that forgets it. */
export type OnEnd = (giveUp: () => void) => () => void

/** What ends once, and those who wait must hear of it: the service, or a caller's socket. */
export interface Ending {
  listen: OnEnd
  end(): void
}

/** A set, because an AbortSignal goes through all its listeners for each that comes or goes. */
export function createEnding(): Ending {
  const waiting = new Set<() => void>()
  let hasEnded = false
  return {
    listen(giveUp) {
      waiting.add(giveUp)
      if (hasEnded) giveUp()
      return () => void waiting.delete(giveUp)
    },
    end() {
      hasEnded = true
      for (const giveUp of waiting) giveUp()
    },
  }
}
