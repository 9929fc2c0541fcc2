/** Which answers of devices had to become the outcome. Pure. */
import type { Entry, Evidence, Row } from './records.ts'

type Answer = Extract<Entry, { kind: 'answered' }>

/** Answers that reach the broker in the last moment race with the expiry, and either may win. */
const RACE_MS = 500
/** After an outage of the link the service needs that long to be back, at most. */
const RELINK_MS = 3000
/** What Mosquitto got this long before it was killed may not be written yet: it writes once a second (`autosave_interval`). */
const UNSAVED_MS = 2000

/** An answer that the broker had in time, and that is not what became of its execution. */
export function isBroken(answer: Answer, row: Row | undefined, evidence: Evidence): boolean {
  if (!row) return true
  if (row.status === answer.status || row.status === 'CANCELED') return false
  if (answer.at > row.expiresAt - RACE_MS) return false
  return !wasUnreachable(answer.at, row.expiresAt, evidence) && !wasUnsaved(answer.at, evidence)
}

/** From the answer to the expiry the service had no time in which the broker could give it: then the TTL passed, rightly. */
function wasUnreachable(from: number, to: number, { outages }: Evidence): boolean {
  let linkedFrom = from
  for (const outage of outages.filter(({ part }) => part === 'link').toSorted((a, b) => a.from - b.from)) {
    if (outage.to <= linkedFrom || outage.from >= to) continue
    if (outage.from > linkedFrom + RACE_MS) return false
    linkedFrom = outage.to + RELINK_MS
  }
  return linkedFrom >= to
}

/** Mosquitto's own loss. With AT_LEAST_ONCE the request comes again and the device repeats its answer, which then counts. */
const wasUnsaved = (at: number, { brokerKills }: Evidence): boolean =>
  brokerKills.some((killedAt) => at <= killedAt && at > killedAt - UNSAVED_MS)
