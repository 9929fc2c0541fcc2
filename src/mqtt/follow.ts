/** Subscribes to the updates that somebody here listens to, and to no others: counted by reference, many in one packet. */
import { setImmediate as nextTick } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import type { Logger } from '../base/log.ts'
import type { LiveScope } from '../domain/live.ts'
import type { Following } from '../domain/ports.ts'
import { ALL_UPDATES, type ExecutionTopic, isExecutionId, isThingId, updatedFilter } from '../protocol/topics.ts'
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
  waiting: (() => void)[]
}

/** 110 bytes each: a packet of some 55 KB. */
const MAX_TOPICS_IN_PACKET = 500
/** With more things than this in one filter it is cheaper to hear of all. */
const MAX_THING_TOPICS = 100
/** A broker that is silent this long is not waited for: what is missed is found in the database. */
const PATIENCE_MS = 500
/** Between two times that a stray subscription is got rid of: a message may be on its way after an UNSUBSCRIBE, too. */
const TIDY_EVERY_MS = 1_000

/** `onMissed` is called when updates are heard from now on that were not before. */
export function createFollower(log: Logger, onMissed: () => void): Follower {
  const followed = new Map<string, Followed>()
  /** What the session at the broker has, as far as we asked for it. */
  const held = new Set<string>()
  /** To be brought in line at the broker; true where what went before must be looked for. */
  const changed = new Map<string, boolean>()
  let client: MqttClient | undefined
  let working: Promise<void> | undefined
  let isRefusalTold = false
  let tidiedAt = Number.NEGATIVE_INFINITY
  return { follow, resume, isFollowed, stop }

  function follow(scope: LiveScope): Following {
    const filters = filtersOf(scope)
    for (const filter of filters) join(filter)
    const ready = Promise.all(filters.map(untilAnswered)).then(() => {})
    return {
      ready,
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
    followed.set(filter, { count: 1, isAnswered: false, waiting: [] })
    // Whoever follows one execution reads it when it is subscribed to.
    change(filter, !isOfOneExecution(filter))
  }

  function leave(filter: string): void {
    const entry = followed.get(filter)
    if (!entry) return
    entry.count -= 1
    if (entry.count > 0) return
    followed.delete(filter)
    answer(entry)
    if (held.has(filter)) change(filter, false)
    else changed.delete(filter)
  }

  function untilAnswered(filter: string): Promise<void> | undefined {
    const entry = followed.get(filter)
    if (!client || !entry || entry.isAnswered) return undefined
    return new Promise((resolve) => {
      entry.waiting.push(resolve)
    })
  }

  function change(filter: string, mustLook: boolean): void {
    // Disconnected, nothing is kept for later: `resume` goes through all.
    if (!client) return
    changed.set(filter, mustLook)
    work()
  }

  function work(): void {
    if (working || !client) return
    // In the next tick, so that what is asked for together goes in one packet.
    working = nextTick()
      .then(bringInLine)
      .finally(() => {
        working = undefined
        if (changed.size > 0) work()
      })
  }

  /** One packet each at a time: what is asked for meanwhile goes in the next one. */
  async function bringInLine(): Promise<void> {
    while (client && changed.size > 0) {
      const batch = [...changed].slice(0, MAX_TOPICS_IN_PACKET)
      for (const [filter] of batch) changed.delete(filter)
      await exchange(
        client,
        batch.map(([filter]) => filter),
      )
      if (client && batch.some(([, mustLook]) => mustLook)) onMissed()
    }
  }

  async function exchange(connection: MqttClient, filters: string[]): Promise<void> {
    const joining = filters.filter((filter) => followed.has(filter) && !held.has(filter))
    const leaving = filters.filter((filter) => !followed.has(filter) && held.has(filter))
    for (const filter of leaving) held.delete(filter)
    for (const filter of joining) held.add(filter)
    const impatience = setTimeout(releaseAll, PATIENCE_MS)
    const [refused] = await Promise.all([subscribeTo(connection, joining), unsubscribeFrom(connection, leaving)])
    clearTimeout(impatience)
    if (client !== connection) return
    for (const filter of refused) held.delete(filter)
    noteRefusals(refused)
    for (const filter of filters) answer(followed.get(filter))
  }

  function noteRefusals(refused: string[]): void {
    if (refused.length > 0 && !isRefusalTold) {
      const why = `allow the service to subscribe to ${ALL_UPDATES} in the broker's ACL`
      log.error(
        { filter: refused[0], why },
        'live updates of other replicas are refused; they come late, from the database',
      )
    }
    isRefusalTold ||= refused.length > 0
  }

  function answer(entry: Followed | undefined): void {
    if (!entry) return
    entry.isAnswered = true
    for (const resolve of entry.waiting.splice(0)) resolve()
  }

  /** Nobody waits for this connection any longer. */
  function releaseAll(): void {
    for (const { waiting } of followed.values()) for (const resolve of waiting.splice(0)) resolve()
  }

  function resume(connection: MqttClient): void {
    client = connection
    connection.once('close', () => {
      if (client !== connection) return
      client = undefined
      changed.clear()
      releaseAll()
    })
    for (const [filter, entry] of followed) {
      entry.isAnswered = false
      // The session may have been lost with the connection.
      held.delete(filter)
      change(filter, true)
    }
    for (const filter of held) change(filter, false)
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
    if (now - tidiedAt < TIDY_EVERY_MS || !client) return
    tidiedAt = now
    for (const filter of filters) {
      held.add(filter)
      change(filter, false)
    }
  }

  async function stop(): Promise<void> {
    for (const filter of [...followed.keys()]) {
      followed.delete(filter)
      change(filter, false)
    }
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())
    await Promise.race([working, patience])
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
