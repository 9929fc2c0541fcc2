/** How often something may happen under one name: so many times a second, and in a burst what was saved up. */
import { createBoundedMap } from '../base/bounded-map.ts'
import { isThingId } from '../protocol/topics.ts'

export interface RateLimit {
  /** Milliseconds until there is room for one more under this name; 0: now. */
  waitMs(name: string): number
  /** Takes it. */
  take(name: string): void
}

/** What is not used is saved up for so long. */
const BURST_SECONDS = 2
/** Whoever was not seen for as long as so many others has its burst again, which it has after two seconds anyway. */
const MAX_NAMES = 200_000

/**
 * The generic cell rate algorithm: of each name it keeps one instant, at which all that was taken would be due at an even
 * pace. Per process, by its own clock, which no change of the time of day moves.
 */
export function createRateLimit(perSecond: number, now: () => number = () => performance.now()): RateLimit {
  const intervalMs = 1000 / perSecond
  const burstMs = Math.max(intervalMs, BURST_SECONDS * 1000)
  const dueAt = createBoundedMap<string, number>(MAX_NAMES)
  const dueOf = (name: string): number => Math.max(dueAt.get(name) ?? 0, now())
  return {
    // Rounded, because an interval is no whole number: a thousandth of a millisecond shall refuse nobody.
    waitMs: (name) => Math.max(0, Math.ceil(Math.round((dueOf(name) + intervalMs - burstMs - now()) * 1000) / 1000)),
    take(name) {
      dueAt.set(name, dueOf(name) + intervalMs)
    },
  }
}

/** The limits of sending, where there are any. */
export interface SendLimits {
  ofKey: RateLimit | undefined
  ofThing: RateLimit | undefined
}

export const createSendLimits = (perKey: number | undefined, perThing: number | undefined): SendLimits => ({
  ofKey: perKey === undefined ? undefined : createRateLimit(perKey),
  ofThing: perThing === undefined ? undefined : createRateLimit(perThing),
})

/** Takes one send of this key to this thing from both, or from none. Milliseconds until it is worth trying again; 0: it may go. */
export function takeSend(limits: SendLimits, key: string, thingId: string): number {
  const { ofKey } = limits
  // Any text may come as the id of a thing, and is not to be remembered.
  const ofThing = isThingId(thingId) ? limits.ofThing : undefined
  const waitMs = Math.max(ofKey?.waitMs(key) ?? 0, ofThing?.waitMs(thingId) ?? 0)
  if (waitMs > 0) return waitMs
  ofKey?.take(key)
  ofThing?.take(thingId)
  return 0
}
