/** Arrays come back from Postgres as they were written, whatever is in them. */
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { ARRAY_TYPES } from '../../src/db/array-types.ts'
import { openPostgres } from '../../src/db/connect.ts'
import { things } from '../../src/db/schema.ts'
import { createBackend, onServices } from '../support/backend.ts'

if (!onServices) process.stderr.write('no DATABASE_URL and MQTT_URL: array types did NOT run\n')

const ODD = ['', ' ', 'NULL', 'null', 'a,b', '{}', '{"a"}', '"', '\\', '\\"', "'", 'ä😀', 'a\nb']

describe.skipIf(!onServices)('arrays', () => {
  it('are read of every type that a column has', async () => {
    const backend = await createBackend()
    const store = await openPostgres(backend.settings.databaseUrl ?? '', 'array-types')
    const columns = await store.db
      .selectDistinct({ oid: sql<number>`atttypid::integer` })
      .from(sql`pg_attribute join pg_class on pg_class.oid = attrelid join pg_type on pg_type.oid = atttypid`)
      .where(sql`relnamespace = 'public'::regnamespace and typcategory = 'A' and attnum > 0`)
    const known = Object.values(ARRAY_TYPES).map(({ to }) => to)
    expect(columns.map(({ oid }) => oid).filter((oid) => !known.includes(oid))).toEqual([])
    expect(columns.length).toBeGreaterThan(0)
    await store.close()
    await backend.dispose()
  })

  it('hold what they were given', async () => {
    const backend = await createBackend()
    const store = await openPostgres(backend.settings.databaseUrl ?? '', 'array-types')
    await store.db.insert(things).values([
      { id: 'odd', clientId: 'odd', tags: ODD },
      { id: 'none', clientId: 'none', tags: [] },
    ])
    const rows = await store.db.select({ id: things.id, tags: things.tags }).from(things).orderBy(things.id)
    expect(rows).toEqual([
      { id: 'none', tags: [] },
      { id: 'odd', tags: ODD },
    ])
    await store.close()
    await backend.dispose()
  })
})
