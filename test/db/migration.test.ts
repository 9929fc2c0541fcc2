/** A database of before the executions were parted into open and settled ones: every row is there afterwards. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { type SQL, sql } from 'drizzle-orm'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { migrate as migratePostgres } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { executions, idempotencyKeys, ignoredResponses } from '../../src/db/schema.ts'
import { listExecutions } from '../../src/domain/list-executions.ts'
import { type Backend, createBackend } from '../support/backend.ts'
import { withStore } from '../support/store.ts'

const MIGRATIONS_BEFORE = 4
const STATUSES = ['SENT', 'SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED']

let backend: Backend
let folder: string

beforeAll(async () => {
  backend = await createBackend()
  folder = mkdtempSync(join(tmpdir(), 'fc-migrations-'))
  cpSync('drizzle', folder, { recursive: true })
  const path = join(folder, 'meta', '_journal.json')
  const journal = JSON.parse(readFileSync(path, 'utf8')) as { entries: unknown[] }
  writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, MIGRATIONS_BEFORE) }))
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await backend.dispose()
})

it('finds every row after the migration, open and settled, as it was', async () => {
  const before = await onOldSchema(async ({ run, read }) => {
    for (const [n, status] of STATUSES.entries()) {
      await run(sql`
        insert into executions (id, thing_id, action, params, ttl, status, result, reason_code, settled_by, ignored_count,
          created_at, expires_at, settled_at, updated_at)
        select uuid_v7(at), 'thing-' || i % 7, 'action-' || i % 3, jsonb_build_object('value', i), 30, ${status}::execution_status,
          case when ${n} = 1 then jsonb_build_object('ok', i) end, case when ${n} = 4 then 'NO_RESPONSE' end,
          case when ${n} > 0 then 'replica' end, i % 2, at, at + interval '30 s', case when ${n} > 0 then at end, at
        from (select i, now() - make_interval(hours => i * 10 + ${n}) as at from generate_series(1, 100) as i) as rows`)
    }
    await run(sql`insert into idempotency_keys select 'key-' || id, 'f', id from executions where ignored_count = 1`)
    await run(sql`insert into ignored_responses (execution_id, cause, seen_by)
      select id, 'REPEATED', array['replica'] from executions where ignored_count = 1`)
    return read(sql`select * from executions order by id desc`)
  })
  expect(before).toHaveLength(600)
  const added = {
    delivery: null,
    publish_count: null,
    publish_again_at: null,
    thing_online: null,
    requested_from: null,
  }

  await withStore(backend, async (store) => {
    const after: Record<string, unknown>[] = await store.db
      .select({ row: sql<Record<string, unknown>>`to_jsonb(executions)` })
      .from(executions)
      .orderBy(sql`${executions.id} desc`)
      .then((rows) => rows.map(({ row }) => row))
    expect(after).toEqual(before.map((row) => ({ ...row, ...added })))
    expect(await store.db.$count(idempotencyKeys)).toBe(300)
    expect(await store.db.$count(ignoredResponses)).toBe(300)
    expect(await store.db.$count(sql`executions_open`)).toBe(100)
    const page = await listExecutions(store, { thingId: ['thing-3'] }, { limit: 100, inverted: false })
    expect(page.map(({ id }) => id)).toEqual(before.filter((row) => row['thing_id'] === 'thing-3').map(({ id }) => id))
    const [row] = before
    const ofCommand = await listExecutions(
      store,
      { commandId: [String(row?.['command_id'])] },
      { limit: 9, inverted: false },
    )
    expect(ofCommand.map(({ id }) => id)).toEqual([row?.['id']])
  })
})

/** What both drivers do alike: statements, and rows as JSON. */
interface OldDatabase {
  run(statement: SQL): Promise<unknown>
  read(query: SQL): Promise<Record<string, unknown>[]>
}

type JsonRow = { row: Record<string, unknown> }

const asJson = (query: SQL): SQL => sql`select to_jsonb(rows) as row from (${query}) as rows`

async function onOldSchema<T>(use: (database: OldDatabase) => Promise<T>): Promise<T> {
  const { databaseUrl, dataDir } = backend.settings
  if (databaseUrl) {
    const client = postgres(databaseUrl, { max: 1, onnotice: () => {} })
    const db = drizzlePostgres(client)
    await migratePostgres(db, { migrationsFolder: folder })
    const read = async (query: SQL) => (await db.execute<JsonRow>(asJson(query))).map(({ row }) => row)
    return use({ run: (statement) => db.execute(statement), read }).finally(() => client.end())
  }
  rmSync(join(dataDir, 'postgres'), { recursive: true, force: true })
  const client = await PGlite.create(join(dataDir, 'postgres'))
  const db = drizzlePglite(client)
  await migratePglite(db, { migrationsFolder: folder })
  const read = async (query: SQL) => (await db.execute<JsonRow>(asJson(query))).rows.map(({ row }) => row)
  return use({ run: (statement) => db.execute(statement), read }).finally(() => client.close())
}
