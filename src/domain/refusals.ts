import type { Logger } from '../base/log.ts'

/** Why a message on a response topic counted for nothing. */
export type RefusalCause =
  | 'BAD_TOPIC'
  | 'MALFORMED'
  | 'UNKNOWN_EXECUTION'
  | 'WRONG_THING'
  | 'LATE'
  | 'REPEATED'
  | 'UNSTORABLE'

export interface Refusals {
  count(cause: RefusalCause, details: Record<string, unknown>): void
  totals(): Readonly<Partial<Record<RefusalCause, number>>>
}

const LOG_EVERY_MS = 1_000

/** Counts each refused response and logs at most one a second for each cause, with the total: a device gone wild cannot flood the log. */
export function createRefusals(log: Logger): Refusals {
  const totals: Partial<Record<RefusalCause, number>> = {}
  const loggedAt: Partial<Record<RefusalCause, number>> = {}
  return {
    count(cause, details) {
      const total = (totals[cause] ?? 0) + 1
      totals[cause] = total
      const now = performance.now()
      if (now - (loggedAt[cause] ?? Number.NEGATIVE_INFINITY) < LOG_EVERY_MS) return
      loggedAt[cause] = now
      log.warn({ ...details, cause, total }, 'response refused')
    },
    totals: () => totals,
  }
}
