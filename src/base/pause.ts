import { setTimeout as delay } from 'node:timers/promises'

/** Resolves after so many milliseconds, or as soon as the signal says; never rejects. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  delay(Math.max(0, ms), undefined, { ...(signal && { signal }) }).catch(() => {})
