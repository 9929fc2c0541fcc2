/** Tells those who wait for an execution that the service stops. */
export interface Stopping {
  /** Calls it at the stop, at once where that has begun. Returns the function that forgets it. */
  listen(giveUp: () => void): () => void
  begin(): void
}

/** A set, because an AbortSignal goes through all its listeners for each that comes or goes. */
export function createStopping(): Stopping {
  const waiting = new Set<() => void>()
  let isBegun = false
  return {
    listen(giveUp) {
      waiting.add(giveUp)
      if (isBegun) giveUp()
      return () => void waiting.delete(giveUp)
    },
    begin() {
      isBegun = true
      for (const giveUp of waiting) giveUp()
    },
  }
}
