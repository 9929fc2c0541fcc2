/** Subscribes to the updates that somebody here listens to, and to no others: counted by reference, many in one packet. */
import type { MqttClient } from 'mqtt'
import type { Logger } from '../base/log.ts'
import type { LiveScope } from '../domain/live.ts'
import type { Following } from '../domain/ports.ts'
import { ALL_UPDATES, type ExecutionTopic, isExecutionId, isThingId, updatedFilter } from '../protocol/topics.ts'
import { createLane } from './lane.ts'
import { subscribeTo, unsubscribeFrom } from './subscribe.ts'

export interface Follower {
  follow(scope: LiveScope): Following
  /** A new connection: everything is subscribed to again. */
  resume(client: MqttClient): void
  /** Whether somebody here listens to this execution. Else the session has kept a subscription that is not ours any more. */
  isFollowed(topic: ExecutionTopic): boolean
  /** Unsubscribes from what nobody follows any more, as far as that is quickly done: the session outlives us. */
  stop(): Promise<void>
}

interface Followed {
  count: number
  /** The broker has granted it, or has refused it. */
  isAnswered: boolean
  /** Made when somebody waits. */
  waiting: (() => void)[] | undefined
}

/** With more things than this in one filter it is cheaper to hear of all. */
const MAX_THING_TOPICS = 100
/** A broker that is silent this long is not waited for: what is missed is found in the database. */
const PATIENCE_MS = 500
/** Between two times that a stray subscription is got rid of: a message may be on its way after an UNSUBSCRIBE, too. */
const TIDY_EVERY_MS = 1_000

/** `onMissed` is called when updates are heard from now on that were not before. */
export function createFollower(log: Logger, onMissed: () => void): Follower {
  const followed = new Map<string, Followed>()
  /** What the session at the broker has, as far as we asked for it: true once it is granted. */
  const held = new Map<string, boolean>()
  const toJoin = new Set<string>()
  const toLeave = new Set<string>()
  // One packet of each kind is on its way at a time, and what is asked for meanwhile goes in the next one. Whoever begins
  // to listen waits for the SUBACK, but not for the UNSUBACK of others: the broker takes both in the order of sending.
  const joining = createLane({ filters: toJoin, client: () => client, send: subscribe })
  const leaving = createLane({ filters: toLeave, client: () => client, send: unsubscribe })
  /** Followed before the connection was lost. */
  const resumed = new Set<string>()
  let client: MqttClient | undefined
  let isRefusalTold = false
  let tidiedAt = Number.NEGATIVE_INFINITY
  return { follow, resume, isFollowed, stop }

  function follow(scope: LiveScope): Following {
    const filters = filtersOf(scope)
    for (const filter of filters) join(filter)
    return {
      ready: untilAllAnswered(filters),
      stop() {
        for (const filter of filters.splice(0)) leave(filter)
      },
    }
  }

  function join(filter: string): void {
    const entry = followed.get(filter)
    if (entry) {
      entry.count += 1
      return
    }
    toLeave.delete(filter)
    const isGranted = held.get(filter)
    followed.set(filter, { count: 1, isAnswered: isGranted === true, waiting: undefined })
    if (isGranted === undefined) toJoin.add(filter)
    // Between the two of them nobody here took its messages.
    else if (!isOfOneExecution(filter)) onMissed()
    joining.start()
  }

  function leave(filter: string): void {
    const entry = followed.get(filter)
    if (!entry) return
    entry.count -= 1
    if (entry.count > 0) return
    followed.delete(filter)
    toJoin.delete(filter)
    resumed.delete(filter)
    answer(entry)
    if (held.has(filter)) toLeave.add(filter)
    leaving.start()
  }

  async function untilAllAnswered(filters: readonly string[]): Promise<void> {
    await Promise.all(filters.map(untilAnswered))
  }

  function untilAnswered(filter: string): Promise<void> | undefined {
    const entry = followed.get(filter)
    if (!client || !entry || entry.isAnswered) return undefined
    return new Promise((resolve) => {
      entry.waiting ??= []
      entry.waiting.push(resolve)
    })
  }

  async function subscribe(connection: MqttClient, filters: string[]): Promise<void> {
    for (const filter of filters) held.set(filter, false)
    const impatience = setTimeout(releaseAll, PATIENCE_MS)
    const refused = await subscribeTo(connection, filters)
    clearTimeout(impatience)
    if (client !== connection) return
    for (const filter of refused) held.delete(filter)
    noteRefusals(refused)
    noteAnswered(filters)
  }

  function noteAnswered(filters: string[]): void {
    let mustLook = false
    for (const filter of filters) {
      if (held.has(filter)) held.set(filter, true)
      // Left and followed again meanwhile, it has an answer to come.
      if (!toJoin.has(filter)) answer(followed.get(filter))
      // Whoever follows one execution reads it when it is subscribed to.
      if (resumed.delete(filter) || !isOfOneExecution(filter)) mustLook = true
    }
    if (mustLook) onMissed()
  }

  function unsubscribe(connection: MqttClient, filters: string[]): Promise<void> {
    for (const filter of filters) held.delete(filter)
    return unsubscribeFrom(connection, filters)
  }

  function noteRefusals(refused: string[]): void {
    if (refused.length === 0 || isRefusalTold) return
    isRefusalTold = true
    const why = `allow the service to subscribe to ${ALL_UPDATES} in the broker's ACL`
    const text = 'live updates of other replicas are refused; they come late, from the database'
    log.error({ filter: refused[0], why }, text)
  }

  function answer(entry: Followed | undefined): void {
    if (!entry) return
    entry.isAnswered = true
    release(entry)
  }

  function release(entry: Followed): void {
    const { waiting } = entry
    entry.waiting = undefined
    for (const resolve of waiting ?? []) resolve()
  }

  /** Nobody waits for this connection any longer. */
  function releaseAll(): void {
    for (const entry of followed.values()) release(entry)
  }

  function resume(connection: MqttClient): void {
    client = connection
    connection.once('close', () => {
      if (client !== connection) return
      client = undefined
      releaseAll()
    })
    // The session may have been lost with the connection, and what is over may be in it still.
    for (const filter of held.keys()) if (!followed.has(filter)) toLeave.add(filter)
    for (const [filter, entry] of followed) {
      entry.isAnswered = false
      held.delete(filter)
      toJoin.add(filter)
      resumed.add(filter)
    }
    joining.start()
    leaving.start()
  }

  function isFollowed({ thingId, executionId }: ExecutionTopic): boolean {
    const possible = [ALL_UPDATES, updatedFilter({ executionId }), updatedFilter({ thingId })]
    if (possible.some((filter) => followed.has(filter))) return true
    tidy(possible)
    return false
  }

  /** A process that was killed has left its subscriptions in the session. Which ones, only their messages tell. */
  function tidy(filters: string[]): void {
    const now = performance.now()
    if (now - tidiedAt < TIDY_EVERY_MS) return
    tidiedAt = now
    for (const filter of filters) toLeave.add(filter)
    leaving.start()
  }

  async function stop(): Promise<void> {
    for (const filter of [...followed.keys()]) {
      followed.delete(filter)
      toJoin.delete(filter)
      if (held.has(filter)) toLeave.add(filter)
    }
    leaving.start()
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())
    await Promise.race([leaving.done(), patience])
  }
}

const isOfOneExecution = (filter: string): boolean => !filter.endsWith('/+/updated')

/** What cannot be a name is in no topic: nothing is heard of it. */
function filtersOf({ executionId, thingIds }: LiveScope): string[] {
  if (executionId !== undefined) return isExecutionId(executionId) ? [updatedFilter({ executionId })] : []
  const things = thingIds && [...new Set(thingIds)].filter(isThingId)
  if (!things || things.length > MAX_THING_TOPICS) return [ALL_UPDATES]
  return things.map((thingId) => updatedFilter({ thingId }))
}
