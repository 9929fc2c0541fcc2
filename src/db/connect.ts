import { mkdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { migrate as migratePostgres } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { ConfigError } from '../base/config.ts'
import { ARRAY_TYPES } from './array-types.ts'
import { prepareStatements } from './embedded-statements.ts'
import { isDatabaseUnavailable, sqlState } from './errors.ts'
import { lockDataDir } from './lock.ts'
import { leaveLostTransactions } from './lost-transactions.ts'
import { schema } from './schema.ts'
import { createSocketFactory } from './socket.ts'
import type { RunStatement } from './statement.ts'

/** What queries are written against: Postgres through postgres.js and PGlite look the same from here. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>

export interface Store {
  db: Database
  /** For the statements that run thousands of times a second. */
  run: RunStatement
  kind: 'postgres' | 'embedded'
  /** What of it is in use; undefined where there are no connections. */
  usage: (() => Usage) | undefined
  /** Names this very database, for whoever shares it; undefined where nobody can. */
  deployment: string | undefined
  close(): Promise<void>
}

/** What is in use of a Postgres, as far as postgres.js lets it be seen. */
export interface Usage {
  /** Connections. */
  open: number
  most: number
  /** Of `run`, that are not answered yet. */
  statements: number
}

/** A statement that takes longer is given up, so that a stuck database shows as an error and not as silence. */
export const STATEMENT_TIMEOUT_MS = 5_000
/** Longer than a statement may take: a Postgres that is still there has answered by then. */
const ANSWER_DEADLINE_MS = 15_000
const CONNECT_TIMEOUT_SECONDS = 5
const RECONNECT_SECONDS = 0.25
const POOL_SIZE = 10
/**
 * One for each batch that can be under way: sends, responses, expiry, requests published again, keys, executions that are
 * read. The reconciler's pages, a few milliseconds every two seconds, come in between.
 */
const WRITERS = 6
/**
 * Batches touch few rows of a large table, each by its key. Without statistics, or with old ones, the planner would read
 * whole indexes instead, and take twice as long.
 */
const ROW_BY_ROW = { enable_hashjoin: 'off', enable_mergejoin: 'off', enable_bitmapscan: 'off', enable_seqscan: 'off' }
const MIGRATION_LOCK = 4_262_001
const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../drizzle', import.meta.url))

/** Opens Postgres, brought to the current schema. `name` is what its connections are called there. Throws a ConfigError where it cannot be used. */
export async function openPostgres(url: string, name: string): Promise<Store> {
  await migrateDatabase(url)
  const open = new Set<Socket>()
  let statements = 0
  const options = {
    max: POOL_SIZE,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    fetch_types: false,
    types: ARRAY_TYPES,
    // By default it waits longer with each failure, up to 20 s, and queries wait with it instead of failing.
    // Not all at the same moment, lest they come back as one.
    backoff: () => RECONNECT_SECONDS * (0.8 + 0.4 * Math.random()),
    onnotice: () => {},
    // No query of ours is so long that it would be worth to be compiled first, but some are taken for it.
    connection: { application_name: name, statement_timeout: STATEMENT_TIMEOUT_MS, jit: 'off' },
    // postgres.js knows this option, its types do not.
    socket: createSocketFactory(ANSWER_DEADLINE_MS, open),
  }
  const client = postgres(url, options)
  leaveLostTransactions(client)
  // A client of its own: Drizzle replaces the serialisers of the one it is given.
  const writers = postgres(url, { ...options, max: WRITERS, connection: { ...options.connection, ...ROW_BY_ROW } })
  return {
    db: drizzlePostgres(client, { schema }),
    run: async (text, parameters) => {
      statements += 1
      try {
        return (await writers.unsafe(text, parameters as string[], { prepare: true })) as never
      } finally {
        statements -= 1
      }
    },
    kind: 'postgres',
    usage: () => ({ open: open.size, most: POOL_SIZE + WRITERS, statements }),
    deployment: await readDeployment(client),
    close: async () => {
      await Promise.all([client, writers].map((one) => one.end({ timeout: CONNECT_TIMEOUT_SECONDS })))
    },
  }
}

/** The same from wherever it is asked, and after a failover to a standby; another one for a copy that was restored elsewhere. */
async function readDeployment(client: postgres.Sql): Promise<string> {
  const [row] = await client<{ name: string }[]>`
    select system_identifier || '-' || oid as name from pg_control_system(), pg_database where datname = current_database()`
  return row?.name ?? ''
}

/** Opens the embedded database in a folder that no other process uses, brought to the current schema. */
export async function openEmbedded(dataDir: string): Promise<Store> {
  const unlock = lockDataDir(dataDir)
  try {
    const folder = join(dataDir, 'postgres')
    mkdirSync(folder, { recursive: true })
    // Loaded by those who use it.
    const [{ PGlite }, { drizzle }, { migrate }] = await Promise.all([
      import('@electric-sql/pglite'),
      import('drizzle-orm/pglite'),
      import('drizzle-orm/pglite/migrator'),
    ])
    const client = await PGlite.create(folder)
    const db = drizzle(client, { schema })
    await migrate(db, { migrationsFolder: MIGRATIONS_FOLDER })
    const close = async () => {
      await client.close()
      unlock()
    }
    return { db, run: prepareStatements(client), kind: 'embedded', usage: undefined, deployment: undefined, close }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Applies what is missing of `drizzle/`. Replicas that start together wait for each other: the migrator itself takes no lock. */
export async function migrateDatabase(url: string): Promise<void> {
  const options = {
    max: 1,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    fetch_types: false,
    onnotice: () => {},
    // No deadline for an answer: another replica may hold the lock for as long as its migration takes.
    socket: createSocketFactory(),
  }
  const client = postgres(url, options)
  try {
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`
    await migratePostgres(drizzlePostgres(client), { migrationsFolder: MIGRATIONS_FOLDER })
  } catch (error) {
    if (!isDatabaseUnavailable(error) && !sqlState(error)?.startsWith('28') && sqlState(error) !== '3D000') throw error
    const { hostname, port, pathname } = new URL(url)
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError(
      `DATABASE_URL: no connection to ${hostname}:${port || 5432}${pathname} (${reason}), expected a running Postgres that lets us in`,
    )
  } finally {
    await client.end({ timeout: 1 })
  }
}
