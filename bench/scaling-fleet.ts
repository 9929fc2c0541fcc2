/** What a large fleet occupies: rows of the registry, the service's memory of things, sessions at Mosquitto. */
import { createRegistry } from '../src/domain/registry.ts'
import { startMosquitto } from './engines/mosquitto.ts'
import { COMMANDS, THING_TYPE } from './fleet.ts'
import { createBench } from './growth-data.ts'
import { memoryOf } from './measure/proc.ts'
import { createScope } from './processes/scope.ts'
import { startDevices } from './variants/stack.ts'

export interface FleetFigures {
  /** Bytes for each thing: its row with its indexes, and a table of ten million by that. */
  row: number
  /** Bytes of heap for each thing that the service remembers. */
  remembered: number
  /** Bytes of Mosquitto's resident memory for each connection with its subscription. */
  session: number
}

const ROWS = 200_000
const REMEMBERED = 40_000
const CONNECTIONS = 4_000
const READ_AT_ONCE = 1_000

export async function measureFleet(): Promise<FleetFigures> {
  return { ...(await measureRegistry()), session: await measureSessions() }
}

async function measureRegistry(): Promise<Pick<FleetFigures, 'row' | 'remembered'>> {
  const { ctx, sql, drop } = await createBench()
  try {
    await sql`insert into thing_types (name, version, commands) values (${THING_TYPE}, '1.0.0', ${JSON.stringify(COMMANDS)}::text::jsonb)`
    // In no order, as fleets are registered: indexes that grow at their ends would be denser.
    await sql`
      insert into things (id, client_id, thing_type, tags) select name, name, ${THING_TYPE}, '{}'
      from (select 'bench-' || lpad(n::text, 8, '0') as name from generate_series(0, ${ROWS - 1}::int) as n order by hashint4(n)) as names`
    const [size] = await sql<
      { bytes: number }[]
    >`select pg_total_relation_size('things')::float8 / ${ROWS}::int as bytes`
    const registry = createRegistry(ctx.run)
    const before = heapUsed()
    for (let first = 0; first < REMEMBERED; first += READ_AT_ONCE)
      await Promise.all(
        Array.from({ length: READ_AT_ONCE }, (_, n) => registry.read(`bench-${String(first + n).padStart(8, '0')}`)),
      )
    const remembered = (heapUsed() - before) / REMEMBERED
    if (!registry.recall('bench-00000001')) throw new Error('a thing was not remembered')
    return { row: size?.bytes ?? Number.NaN, remembered }
  } finally {
    await drop()
  }
}

/** Without `--expose-gc` garbage counts, too. */
function heapUsed(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

async function measureSessions(): Promise<number> {
  const scope = createScope()
  try {
    const mosquitto = await startMosquitto(scope)
    const before = memoryOf(mosquitto.pid).now
    await startDevices(scope, { url: mosquitto.url, version: 5, things: CONNECTIONS, thingsPerConnection: 1 })
    return (memoryOf(mosquitto.pid).now - before) / CONNECTIONS
  } finally {
    await scope.close()
  }
}
