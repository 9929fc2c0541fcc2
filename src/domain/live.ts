import { type Execution, versionOf } from './execution.ts'
import { createVersions, type Known } from './versions.ts'

/** Where a listener's events come from: one execution, some things, or everything. */
export interface LiveScope {
  executionId?: string | undefined
  thingIds?: readonly string[] | undefined
}

export interface LiveListener {
  /** An execution as it was committed. Never older than what the listener was told of it before. */
  onChange(execution: Execution): void
  /** Changes of this instant and later may have been missed: read them from the database. */
  onGap(since: Date): void
}

/** What somebody listens to, as far as it can be said in a few names; undefined: in too many, or to everything. */
export type Interest = { executionIds: string[]; thingIds: string[] } | undefined

/** An execution of which only this much is known. */
export interface State {
  id: string
  thingId: string
  version: number
}

/** When an execution was changed, on the clock of performance.now(). */
export type ChangedAt = (execution: Pick<Execution, 'updatedAt'>) => number

/** Tells whoever listens in this process what was committed, and nothing else (CONTRACT promise 10). */
export interface Live {
  /** Tells of what this process committed, the other replicas too. */
  publish(executions: readonly Execution[]): void
  /** Tells of what was heard of another replica. What was told already, or is older than that, is left out. */
  relay(executions: readonly Execution[]): void
  /** Tells likewise of what was found in the database, except listeners to many who began only after the change. */
  relayFound(executions: readonly Execution[], changedAt: ChangedAt): void
  /** Whether somebody is still to be told of this state that was found in the database. */
  isAwaited(state: State, changedAt: number): boolean
  /** A listener has read these for itself: nobody is told of an older state from now on. */
  noteRead(executions: readonly Execution[]): void
  /** Listens from this call on. Returns the function that ends it. */
  listen(scope: LiveScope, listener: LiveListener): () => void
  announceGap(since: Date): void
  interest(maxNames: number): Interest
  listenerCount(): number
  /** When this process last told of what it committed, on the clock of performance.now(); 0: never. */
  publishedAt(): number
  /** Since when somebody has been listening without a break, on the clock of performance.now(); undefined: nobody does. */
  listeningSince(): number | undefined
}

interface Seat {
  listener: LiveListener
  since: number
}

/** Of one name. Most have one listener: a set is made for the second one, as there may be many thousands of names. */
type Seats = Seat | Set<Seat>

/** Enough for what is changed in the seconds that the database is looked through again, at 5,000 changes a second. */
const MAX_VERSIONS = 50_000

/**
 * Indexed by execution and by thing, so that a change costs what its own listeners cost, not what all of them do.
 * News of one execution come several ways (our own commit, the broker, the database) and may overtake each other: the
 * versions keep an older one from following a newer one.
 */
export function createLive(announce: (executions: readonly Execution[]) => void = () => {}): Live {
  const byExecution = new Map<string, Seats>()
  const byThing = new Map<string, Seats>()
  const toAll = new Set<Seat>()
  const everyone = new Set<Seat>()
  const told = createVersions(MAX_VERSIONS)
  const read = createVersions(MAX_VERSIONS)
  let since: number | undefined
  let publishedAt = 0

  function publish(executions: readonly Execution[]): void {
    if (executions.length > 0) publishedAt = performance.now()
    announce(executions)
    // Also while nobody listens: whoever begins in the next moment must not be told of it as if it were news of another replica.
    for (const execution of executions) tell(execution, Number.POSITIVE_INFINITY)
  }

  function relay(executions: readonly Execution[]): void {
    if (everyone.size === 0) return
    for (const execution of executions) tell(execution, Number.POSITIVE_INFINITY)
  }

  function relayFound(executions: readonly Execution[], changedAt: ChangedAt): void {
    for (const execution of executions) tell(execution, changedAt(execution))
  }

  function tell(execution: Execution, changedAt: number): void {
    const { id, thingId } = execution
    const version = versionOf(execution)
    const last = told.get(id)
    if (last && version <= last.version) return
    if (version < (read.get(id)?.version ?? 0)) return
    const before = latestSeat(last, changedAt)
    told.raise(id, version)
    tellSeats(byExecution.get(id), execution, Number.POSITIVE_INFINITY)
    tellSeats(byThing.get(thingId), execution, before)
    tellSeats(toAll, execution, before)
  }

  function isAwaited({ id, thingId, version }: State, changedAt: number): boolean {
    const last = told.get(id)
    if (last && version <= last.version) return false
    if (byExecution.has(id)) return true
    const before = latestSeat(last, changedAt)
    return hasSeatBefore(byThing.get(thingId), before) || hasSeatBefore(toAll, before)
  }

  function noteRead(executions: readonly Execution[]): void {
    for (const execution of executions) {
      const version = versionOf(execution)
      if (version > (read.get(execution.id)?.version ?? 0)) read.raise(execution.id, version)
    }
  }

  function listen(scope: LiveScope, listener: LiveListener): () => void {
    const seat = { listener, since: performance.now() }
    enter(scope, seat)
    everyone.add(seat)
    since ??= seat.since
    return () => {
      leave(scope, seat)
      everyone.delete(seat)
      if (everyone.size === 0) since = undefined
    }
  }

  function enter({ executionId, thingIds }: LiveScope, seat: Seat): void {
    if (executionId) addTo(byExecution, executionId, seat)
    else if (thingIds) for (const id of thingIds) addTo(byThing, id, seat)
    else toAll.add(seat)
  }

  function leave({ executionId, thingIds }: LiveScope, seat: Seat): void {
    if (executionId) removeFrom(byExecution, executionId, seat)
    else if (thingIds) for (const id of thingIds) removeFrom(byThing, id, seat)
    else toAll.delete(seat)
  }

  function interest(maxNames: number): Interest {
    if (toAll.size > 0 || byExecution.size + byThing.size > maxNames) return undefined
    return { executionIds: [...byExecution.keys()], thingIds: [...byThing.keys()] }
  }

  return {
    publish,
    relay,
    relayFound,
    isAwaited,
    noteRead,
    listen,
    interest,
    announceGap: (at) => {
      for (const { listener } of everyone) listener.onGap(at)
    },
    listenerCount: () => everyone.size,
    publishedAt: () => publishedAt,
    listeningSince: () => since,
  }
}

/** Whom a change that was found is told to: those who listened before it, and those who were told of an earlier state. */
const latestSeat = (last: Known | undefined, changedAt: number): number => Math.max(last?.at ?? 0, changedAt)

/** Seats are in the order in which they were taken, so the first one that is too late is followed by such only. */
function tellSeats(seats: Seats | undefined, execution: Execution, before: number): void {
  if (!seats) return
  for (const { listener, since } of listOf(seats)) {
    if (since > before) return
    listener.onChange(execution)
  }
}

function hasSeatBefore(seats: Seats | undefined, before: number): boolean {
  for (const { since } of seats ? listOf(seats) : []) return since <= before
  return false
}

const listOf = (seats: Seats): Iterable<Seat> => (seats instanceof Set ? seats : [seats])

function addTo(index: Map<string, Seats>, key: string, seat: Seat): void {
  const seats = index.get(key)
  if (seats instanceof Set) seats.add(seat)
  else if (seats !== seat) index.set(key, seats ? new Set([seats, seat]) : seat)
}

function removeFrom(index: Map<string, Seats>, key: string, seat: Seat): void {
  const seats = index.get(key)
  if (seats instanceof Set) seats.delete(seat)
  if (seats === seat || (seats instanceof Set && seats.size === 0)) index.delete(key)
}
