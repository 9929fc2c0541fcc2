/** Whether things are connected, and when they were last heard of. It informs, and decides nothing. */
import { inArray, sql } from 'drizzle-orm'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { Logger } from '../base/log.ts'
import { pause } from '../base/pause.ts'
import type { Store } from '../db/connect.ts'
import { thingPresence } from '../db/schema.ts'
import type { RunStatement } from '../db/statement.ts'
import type { ClientEvent } from './ports.ts'
import { isClientId } from './thing.ts'

export type ThingPresence = Pick<typeof thingPresence.$inferSelect, 'online' | 'lastSeenAt'>

/** What is known of a thing of which nobody told anything. */
export const UNKNOWN_PRESENCE: ThingPresence = { online: null, lastSeenAt: null }

export interface Presence {
  /** A client came or went. Of one client the last call counts, so call it in their order. Waits for nothing. */
  noteClient(event: ClientEvent): void
  /** These things answered. Waits for nothing, and costs a look-up for each. */
  noteAnswers(thingIds: Iterable<string>): void
  /** Writes what is noted, and ends. */
  stop(): Promise<void>
}

/** What comes together is written together. */
const GATHER_MS = 50
const RETRY_MS = 1_000
const MAX_BATCH = 1_000
/** Beyond it, what is new is not noted: five times the connections of the embedded broker. */
const MAX_WAITING = 50_000
/** Of things that answer all the time, the time is written this often. */
const ANSWERS_EVERY_MS = 30_000
const MAX_ANSWERED = 50_000

/** `onChanged` is called with the things whose presence this process has changed, after the commit. */
export function createPresence(
  { run, log }: { run: RunStatement; log: Logger },
  onChanged: (thingIds: string[]) => void,
): Presence {
  const clients = new Map<string, boolean>()
  const answered = new Set<string>()
  const writtenAt = createBoundedMap<string, number>(MAX_ANSWERED)
  const stopping = new AbortController()
  let working: Promise<void> | undefined
  let isFailing = false
  let isFull = false

  return { noteClient, noteAnswers, stop }

  function noteClient({ clientId, online }: ClientEvent): void {
    // No thing has any other.
    if (!isClientId(clientId) || !hasRoom(clients.has(clientId))) return
    // Taken out first, so that the latest one is also the last in line.
    clients.delete(clientId)
    clients.set(clientId, online)
    work()
  }

  function noteAnswers(thingIds: Iterable<string>): void {
    const now = performance.now()
    for (const id of thingIds) {
      if (now - (writtenAt.get(id) ?? Number.NEGATIVE_INFINITY) < ANSWERS_EVERY_MS || !hasRoom(false)) continue
      writtenAt.set(id, now)
      answered.add(id)
      work()
    }
  }

  function hasRoom(isWaiting: boolean): boolean {
    const hasRoom = isWaiting || clients.size + answered.size < MAX_WAITING
    if (!hasRoom && !isFull) {
      log.warn('too much news of things coming and going is waiting; some of it is not noted')
      isFull = true
    }
    return hasRoom
  }

  function work(): void {
    if (stopping.signal.aborted || clients.size + answered.size === 0) return
    working ??= writeWaiting().finally(() => {
      working = undefined
      // What was noted as it ended.
      work()
    })
  }

  async function writeWaiting(): Promise<void> {
    while (!stopping.signal.aborted && clients.size + answered.size > 0) {
      await pause(isFailing ? RETRY_MS : GATHER_MS, stopping.signal)
      await tryToWrite()
    }
  }

  async function tryToWrite(): Promise<void> {
    try {
      await writeBatch(WRITE_CLIENTS, clients.entries(), ([clientId, online]) => ({ clientId, online }), forgetClient)
      await writeBatch(
        WRITE_ANSWERS,
        answered.keys(),
        (id) => id,
        (id) => answered.delete(id),
      )
      if (isFailing) log.info('the presence of things is written again')
      isFailing = false
      isFull = false
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, 'the presence of things cannot be written; trying again')
      isFailing = true
    }
  }

  /** Unless it came or went again meanwhile. */
  function forgetClient([clientId, online]: [string, boolean]): void {
    if (clients.get(clientId) === online) clients.delete(clientId)
  }

  async function writeBatch<T>(
    statement: string,
    waiting: Iterator<T> & Iterable<T>,
    toGiven: (one: T) => unknown,
    forget: (one: T) => void,
  ): Promise<void> {
    const batch: T[] = []
    for (const one of waiting) if (batch.push(one) === MAX_BATCH) break
    if (batch.length === 0) return
    const changed = await run<{ id: string }>(statement, [JSON.stringify(batch.map(toGiven))])
    batch.forEach(forget)
    if (changed.length > 0) onChanged(changed.map(({ id }) => id))
  }

  async function stop(): Promise<void> {
    stopping.abort()
    await working
    while (clients.size + answered.size > 0) {
      await tryToWrite()
      // A service that stops does not wait for a database.
      if (isFailing) return
    }
  }
}

/**
 * Each replica hears the same events, and writes what is not written yet. In the order of the names, so that two replicas
 * do not wait for each other in a circle.
 */
const WRITE_CLIENTS = `
insert into thing_presence (thing_id, online, last_seen_at, updated_at)
select things.id, given.online, now(), clock_timestamp()
from json_to_recordset($1::text::json) as given("clientId" text, online boolean)
join things on things.client_id = given."clientId"
order by things.id
on conflict (thing_id) do update
set online = excluded.online, last_seen_at = excluded.last_seen_at, updated_at = excluded.updated_at
where thing_presence.online is distinct from excluded.online
returning thing_id as id`

const WRITE_ANSWERS = `
insert into thing_presence (thing_id, last_seen_at, updated_at)
select id, now(), clock_timestamp() from things
where id in (select json_array_elements_text($1::text::json))
order by id
on conflict (thing_id) do update set last_seen_at = excluded.last_seen_at, updated_at = excluded.updated_at
where thing_presence.last_seen_at is null or thing_presence.last_seen_at < excluded.last_seen_at
returning thing_id as id`

/** Nobody is connected to a broker that is about to start: who was, when it was killed, is not any more. */
export async function forgetConnected({ db }: Pick<Store, 'db'>): Promise<void> {
  await db
    .update(thingPresence)
    .set({ online: false, updatedAt: sql`clock_timestamp()` })
    .where(sql`${thingPresence.online}`)
}

/** The presence of each of these things of which anything is known. */
export async function findPresences(
  { db }: Pick<Store, 'db'>,
  thingIds: readonly string[],
): Promise<(ThingPresence & { thingId: string })[]> {
  const { thingId, online, lastSeenAt } = thingPresence
  return db
    .select({ thingId, online, lastSeenAt })
    .from(thingPresence)
    .where(inArray(thingId, [...thingIds]))
}
