/** Calls it when the signal is raised, at once where it has been. Returns the function that forgets it. */
export type Listen = (giveUp: () => void) => () => void

/** Raised once: the service stops, or a caller is gone. */
export interface Signal {
  listen: Listen
  raise(): void
}

/** Made for thousands of listeners: an AbortSignal goes through all that it has for each that comes or goes. */
export function createSignal(): Signal {
  const waiting = new Set<() => void>()
  let isRaised = false
  return {
    listen(giveUp) {
      waiting.add(giveUp)
      if (isRaised) giveUp()
      return () => void waiting.delete(giveUp)
    },
    raise() {
      isRaised = true
      for (const giveUp of waiting) giveUp()
    },
  }
}
