/** What the database and its client cost alone: an insert and a guarded update of each execution, in shared commits or one by one. */
import postgres from 'postgres'
import { thingName } from '../fleet.ts'
import { createLoop, type Flight } from '../load/closed-loop.ts'
import { readSettings, serveParent } from '../processes/parent.ts'

export interface PostgresFloorSettings {
  kind: 'postgres-batched' | 'commit-alone'
  databaseUrl: string
  things: number
}

const MAX_BATCH = 500
const RESULT = '{"currentTemperature":21}'
/** For short batches by primary key, whatever the table's statistics say. */
const PINNED_PLAN = { enable_hashjoin: 'off', enable_mergejoin: 'off', enable_bitmapscan: 'off', enable_seqscan: 'off' }

interface Stored {
  id: string
  flight: Flight
}

await serveParent(async () => {
  const { kind, databaseUrl, things } = readSettings<PostgresFloorSettings>()
  const sql = postgres(databaseUrl, { max: 2, connection: PINNED_PLAN })
  let count = 0
  const nextThing = () => thingName(count++ % things)
  const send = kind === 'commit-alone' ? sendAlone(sql, nextThing) : sendBatched(sql, nextThing)
  return { served: createLoop(send) as never }
})

/** One insert, one commit. */
function sendAlone(sql: postgres.Sql, nextThing: () => string) {
  return async (flight: Flight) => {
    await insert(sql, [nextThing()])
    flight.answered()
    flight.settled()
  }
}

/** Two writers, one for each statement, as a service has them; what waits while one is at work is its next batch. */
function sendBatched(sql: postgres.Sql, nextThing: () => string) {
  const settle = batched<Stored>(async (stored) => {
    const ids = stored.map(({ id }) => id)
    await sql`
      update plain_executions execution
      set status = 'SUCCEEDED', result = settlement.result::jsonb, settled_at = clock_timestamp(), updated_at = clock_timestamp()
      from unnest(${ids}::uuid[], ${ids.map(() => RESULT)}::text[]) as settlement(id, result)
      where execution.id = settlement.id and execution.status = 'SENT'
      returning execution.id`
    for (const { flight } of stored) flight.settled()
  })
  return batched<Flight>(async (flights) => {
    const rows = await insert(sql, flights.map(nextThing))
    flights.forEach((flight, index) => {
      flight.answered()
      settle({ id: rows[index]?.id ?? '', flight })
    })
  })
}

function insert(sql: postgres.Sql, things: string[]) {
  return sql<{ id: string }[]>`
    insert into plain_executions (thing_id, action, params, ttl, expires_at)
    select thing_id, 'setTemperature', params::jsonb, 60, now() + interval '60 seconds'
    from unnest(${things}::text[], ${things.map(() => '{"value":21}')}::text[]) as request(thing_id, params)
    returning id`
}

function batched<T>(run: (items: T[]) => Promise<void>): (item: T) => void {
  const waiting: T[] = []
  let working = false
  const work = async () => {
    while (waiting.length > 0) await run(waiting.splice(0, MAX_BATCH))
    working = false
  }
  return (item) => {
    waiting.push(item)
    if (working) return
    working = true
    // After all that came in the same turn.
    setImmediate(work)
  }
}
