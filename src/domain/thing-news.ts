/** What becomes of things, for those who listen here: read from the database, whoever changed it. */

import { and, asc, eq, getTableColumns, gte, inArray, sql } from 'drizzle-orm'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { Logger } from '../base/log.ts'
import { pause } from '../base/pause.ts'
import type { Store } from '../db/connect.ts'
import { thingPresence, things } from '../db/schema.ts'
import { isThingId } from '../protocol/topics.ts'
import { readHorizon, UNSEEN_MS, visibleUpTo } from './horizon.ts'
import type { ThingPresence } from './presence.ts'
import { type Thing, type ThingFilter, thingCondition } from './thing.ts'

/** A thing together with what is known of its presence. */
export interface ThingState extends Thing {
  presence: ThingPresence
  /** When its registration or its presence changed last. */
  changedAt: Date
  /** Another one for each change. */
  revision: string
}

export interface ThingListener {
  /** The thing whose end it wants to know of. */
  thingId?: string
  /** A thing as it is in the database. Never older than what was told before. */
  onChange(state: ThingState): void
  /** The thing of `thingId` is not registered any more. */
  onGone?(): void
}

export interface ThingNews {
  /** This process has changed these things, or what is known of them. */
  note(thingIds: readonly string[]): void
  /** Listens from this call on. Returns the function that ends it. */
  listen(listener: ThingListener): () => void
  stop(): Promise<void>
}

export interface ThingNewsOptions extends Pick<Store, 'db'> {
  log: Logger
  /** As in the context. */
  commitLagMs: number
}

/** How late a listener hears of what another replica did. */
const EVERY_MS = 2_000
/** Between two looks, however much this process changes. */
const AT_MOST_EVERY_MS = 50
const RETRY_MS = 500
const PAGE_SIZE = 1_000
/** What is noted beyond it is found at the next look at everything. */
const MAX_NOTED = 20_000
const MAX_TOLD = 50_000

/**
 * Nothing is announced between replicas, for things change seldom: while somebody listens, each replica reads what has
 * changed every 2 s, and what it changed itself at once.
 */
export function createThingNews({ db, log, commitLagMs }: ThingNewsOptions): ThingNews {
  const listeners = new Set<ThingListener>()
  const noted = new Set<string>()
  /** The last revision that was told: one look overlaps with the one before. */
  const told = createBoundedMap<string, string>(MAX_TOLD)
  let wake = new AbortController()
  let running: Promise<void> | undefined
  let isStopped = false
  return { note, listen, stop }

  function note(thingIds: readonly string[]): void {
    if (listeners.size === 0) return
    for (const id of thingIds) if (noted.size < MAX_NOTED) noted.add(id)
    wake.abort()
  }

  function listen(listener: ThingListener): () => void {
    listeners.add(listener)
    start()
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) wake.abort()
    }
  }

  function start(): void {
    if (isStopped || listeners.size === 0) return
    running ??= run(performance.now()).finally(() => {
      running = undefined
      // Who began to listen as it ended.
      start()
    })
  }

  async function stop(): Promise<void> {
    isStopped = true
    wake.abort()
    await running
  }

  /** `since`: when the first listener began, on the clock of performance.now(). */
  async function run(since: number): Promise<void> {
    const look = lookFrom(since)
    let isFailing = false
    while (listeners.size > 0 && !isStopped) {
      wake = new AbortController()
      try {
        const nextInMs = await look()
        isFailing = false
        await pause(AT_MOST_EVERY_MS)
        await pause(nextInMs - AT_MOST_EVERY_MS, wake.signal)
      } catch (error) {
        if (!isFailing) log.warn({ err: error }, 'changes of things cannot be read from the database; trying again')
        isFailing = true
        await pause(RETRY_MS)
      }
    }
    noted.clear()
  }

  /** Tells what is noted, and every 2 s what else has changed. Resolves with the time until that is due again. */
  function lookFrom(since: number): () => Promise<number> {
    let upTo: Date | undefined
    let dueAt = since
    return async () => {
      await tellNoted()
      if (performance.now() >= dueAt) {
        upTo = await tellChanges(upTo, since)
        dueAt = performance.now() + EVERY_MS
      }
      return dueAt - performance.now()
    }
  }

  async function tellNoted(): Promise<void> {
    while (noted.size > 0) {
      const ids = [...noted].slice(0, PAGE_SIZE)
      await tellOf(ids)
    }
  }

  async function tellOf(ids: string[]): Promise<void> {
    for (const id of ids) noted.delete(id)
    try {
      const states = await findThingStates({ db }, ids)
      tell(states)
      const found = new Set(states.map(({ id }) => id))
      const gone = new Set(ids.filter((id) => !found.has(id)))
      for (const { thingId, onGone } of listeners) if (thingId !== undefined && gone.has(thingId)) onGone?.()
    } catch (error) {
      note(ids)
      throw error
    }
  }

  /** Tells whatever has changed since, and returns up to which instant it is done. */
  async function tellChanges(upTo: Date | undefined, since: number): Promise<Date> {
    const horizon = await readHorizon(db)
    const from = upTo ?? new Date(horizon.now.getTime() - (performance.now() - since) - UNSEEN_MS)
    for (let afterId = ''; ; ) {
      const page = await listThingChanges({ db }, {}, { since: from, afterId }, PAGE_SIZE)
      tell(page)
      if (page.length < PAGE_SIZE) break
      afterId = page.at(-1)?.id ?? afterId
    }
    // What another replica deregistered has no row to be found by.
    const awaited = [...new Set([...listeners].flatMap(({ thingId }) => thingId ?? []))]
    for (let at = 0; at < awaited.length; at += PAGE_SIZE) await tellOf(awaited.slice(at, at + PAGE_SIZE))
    return visibleUpTo(horizon, commitLagMs)
  }

  function tell(states: readonly ThingState[]): void {
    for (const state of states) {
      if (told.get(state.id) === state.revision) continue
      told.set(state.id, state.revision)
      for (const { onChange } of listeners) onChange(state)
    }
  }
}

const STATE = {
  ...getTableColumns(things),
  online: thingPresence.online,
  lastSeenAt: thingPresence.lastSeenAt,
  presenceUpdatedAt: thingPresence.updatedAt,
  // Two changes may have one instant, but not one transaction.
  revision: sql<string>`${things}.xmin::text || '.' || coalesce(${thingPresence}.xmin::text, '')`,
}

type StateRow = Thing & ThingPresence & { presenceUpdatedAt: Date | null; revision: string }

const toState = ({ online, lastSeenAt, presenceUpdatedAt, ...thing }: StateRow): ThingState => ({
  ...thing,
  presence: { online, lastSeenAt },
  changedAt: presenceUpdatedAt && presenceUpdatedAt > thing.updatedAt ? presenceUpdatedAt : thing.updatedAt,
})

const selectStates = ({ db }: Pick<Store, 'db'>) =>
  db.select(STATE).from(things).leftJoin(thingPresence, eq(thingPresence.thingId, things.id))

export async function findThingStates(ctx: Pick<Store, 'db'>, ids: readonly string[]): Promise<ThingState[]> {
  const rows = await selectStates(ctx).where(inArray(things.id, ids.filter(isThingId)))
  return rows.map(toState)
}

/** In the order in which JavaScript compares, whatever that of the database is. */
const ID = sql`${things.id} collate "C"`

/** How far a reader has come: everything up to the thing `afterId`, of what changed at or after `since`. */
export interface ThingCursor {
  since: Date
  afterId: string
}

/** Things that match and changed at or after an instant, by id. */
export async function listThingChanges(
  ctx: Pick<Store, 'db'>,
  filter: ThingFilter,
  { since, afterId }: ThingCursor,
  limit: number,
): Promise<ThingState[]> {
  // Two looks into indexes: with OR over the join, all things would be read.
  const changed = ctx.db
    .select({ id: things.id })
    .from(things)
    .where(gte(things.updatedAt, since))
    .union(ctx.db.select({ id: thingPresence.thingId }).from(thingPresence).where(gte(thingPresence.updatedAt, since)))
  const rows = await selectStates(ctx)
    .where(and(inArray(things.id, changed), sql`${ID} > ${afterId}`, thingCondition(filter)))
    .orderBy(asc(ID))
    .limit(limit)
  return rows.map(toState)
}
