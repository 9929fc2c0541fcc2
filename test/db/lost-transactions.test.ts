/** A connection that is lost in the middle of a transaction fails that transaction, and not the process. */
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { openPostgres } from '../../src/db/connect.ts'
import { isDatabaseUnavailable } from '../../src/db/errors.ts'
import { createBackend, onServices } from '../support/backend.ts'
import { startProxy } from '../support/proxy.ts'

if (!onServices) process.stderr.write('no DATABASE_URL and MQTT_URL: lost transactions did NOT run\n')

describe.skipIf(!onServices)('a transaction whose connection is lost', () => {
  type Wire = Awaited<ReturnType<typeof startProxy>>

  it.each([
    ['the wire is cut', (wire: Wire) => wire.cut()],
    ['Postgres ends its process', (_wire: Wire, end: () => Promise<unknown>) => end()],
  ])('is refused where %s, and the next one is done', async (_name, lose) => {
    const backend = await createBackend()
    const { databaseUrl = '' } = backend.settings
    const [wire, direct] = [await startProxy(databaseUrl), await openPostgres(databaseUrl, 'direct')]
    const store = await openPostgres(wire.urlOf(databaseUrl), 'lost-transactions')
    const outcome = store.db.transaction(async (tx) => {
      const [own] = await tx.select({ pid: sql<number>`pg_backend_pid()` }).from(sql`(select) as one`)
      const waiting = tx.execute(sql`select pg_sleep(4)`)
      // Handled below; it may fail before that is awaited.
      waiting.catch(() => {})
      await lose(wire, () => direct.db.execute(sql`select pg_terminate_backend(${own?.pid})`))
      await waiting
    })
    await expect(outcome).rejects.toSatisfy(isDatabaseUnavailable)
    await wire.restore()
    await store.db.transaction((tx) => tx.execute(sql`select 1`))
    await Promise.all([store.close(), direct.close()])
    await wire.stop()
    await backend.dispose()
  })
})
