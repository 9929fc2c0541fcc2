/** A replica of the version before and one of this version run together on one Postgres while the service is upgraded. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPartitionsAhead } from '../../src/db/partitions.ts'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { FIND, INSERT, MIGRATIONS, SETTLE, SETTLE_EXPIRED } from '../support/statements-0005.ts'

if (!onServices)
  console.warn('DATABASE_URL and MQTT_URL are not set: the upgrade with two versions at once did NOT run')

describe.skipIf(!onServices)('the version before', () => {
  let backend: Backend
  let old: postgres.Sql
  let service: Service
  let device: TestDevice
  let idsBefore: string[]
  const thingId = uniqueName('thing')
  let ending = 0

  beforeAll(async () => {
    backend = await createBackend()
    // One connection, so that what it prepared before the migration is what it runs after it.
    old = postgres(backend.settings.databaseUrl ?? '', { max: 1, onnotice: () => {} })
    await migrateAsBefore(backend.settings.databaseUrl ?? '')
    await old`insert into things (id, client_id, tags) values (${thingId}, ${thingId}, array[]::text[])`
    idsBefore = [await oldSend(), await oldSend(), await oldSend({ ttl: 1 })]
    await oldSettle(idsBefore[0] ?? '')
    await oldExpire()
    await oldFind(idsBefore[0] ?? '')
    service = await startService({ backend, replicas: 1 })
    device = await startTestDevice(service.mqttUrl, thingId)
  })
  afterAll(async () => {
    await device.stop()
    await service.stop()
    await old.end()
    await backend.dispose()
  })

  async function migrateAsBefore(url: string): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'fc-upgrade-'))
    cpSync('drizzle', folder, { recursive: true })
    const path = join(folder, 'meta', '_journal.json')
    const journal = JSON.parse(readFileSync(path, 'utf8')) as { entries: unknown[] }
    writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, MIGRATIONS) }))
    // A client of its own: Drizzle replaces the serialisers of the one it is given.
    const client = postgres(url, { max: 1, onnotice: () => {} })
    const db = drizzle(client)
    await migrate(db, { migrationsFolder: folder })
    await createPartitionsAhead(db as never, 'month')
    await client.end()
    rmSync(folder, { recursive: true })
  }

  const run = <Row extends object>(text: string, parameters: (string | number)[]): Promise<Row[]> =>
    old.unsafe<Row[]>(text, parameters, { prepare: true }) as Promise<Row[]>

  async function oldSend({ ttl = 60, key }: { ttl?: number; key?: string } = {}): Promise<string> {
    const [thing] = await old<{ revision: string }[]>`select xmin::text as revision from things where id = ${thingId}`
    ending += 1
    const draft = {
      idEnding: `-8001-${ending.toString(16).padStart(12, '0')}`,
      thingId,
      thingRevision: thing?.revision,
      action: 'old',
      paramsText: '{"by":"the version before"}',
      ttl,
      idempotencyKey: key ?? null,
      fingerprint: key ? 'f' : null,
    }
    const [stored] = await run<{ id: string }>(INSERT, [JSON.stringify([draft])])
    return stored?.id ?? 'none'
  }

  const oldSettle = (id: string) =>
    run<{ id: string }>(SETTLE, [JSON.stringify([{ id, thingId, status: 'SUCCEEDED', result: { old: true } }]), 'old'])
  const oldExpire = () => run<{ id: string }>(SETTLE_EXPIRED, [1000, 'old'])
  const oldFind = (id: string) => run<{ status: string; action: string; result: unknown }>(FIND, [id])

  it('left rows that this one reads, settles and expires', async () => {
    const [settled = '', open = '', short = ''] = idsBefore
    expect(await service.execution(settled)).toMatchObject({
      status: 'SUCCEEDED',
      result: { old: true },
      action: 'old',
    })
    await device.respond(open, { status: 'FAILED', reason: { code: 'HOT' } })
    await expect.poll(async () => (await service.execution(open)).status).toBe('FAILED')
    await expect.poll(async () => (await service.execution(short)).status, { timeout: 5_000 }).toBe('TIMED_OUT')
    expect((await oldFind(open))[0]).toMatchObject({ status: 'FAILED' })
  })

  it('goes on to send, to settle and to expire on the new schema, with what it prepared on the old one', async () => {
    const [first, second] = [await oldSend(), await oldSend({ key: uniqueName('key') })]
    expect(await service.execution(first)).toMatchObject({
      status: 'SENT',
      params: { by: 'the version before' },
      commandId: first,
    })
    await device.respond(first, { status: 'SUCCEEDED', result: 1 })
    await expect.poll(async () => (await service.execution(first)).status).toBe('SUCCEEDED')
    expect(await oldSettle(first)).toEqual([])
    expect(await oldSettle(second)).toHaveLength(1)
    expect(await service.execution(second)).toMatchObject({ status: 'SUCCEEDED', result: { old: true } })
    await oldExpire()
    await oldSend({ ttl: 1 })
  })

  it('reads and settles what this one sent; whoever comes first wins', async () => {
    const { execution } = await service.send({ thingId, action: 'new', ttl: 60 })
    const id = execution?.id ?? ''
    expect((await oldFind(id))[0]).toMatchObject({ status: 'SENT', action: 'new' })
    expect(await oldSettle(id)).toHaveLength(1)
    const before = await service.execution(id)
    expect(before).toMatchObject({ status: 'SUCCEEDED', action: 'new' })
    await device.respond(id, { status: 'FAILED' })
    await expect.poll(async () => (await service.execution(id)).ignoredResponseCount).toBe(1)
    expect(await service.execution(id)).toMatchObject({ status: 'SUCCEEDED', result: { old: true } })
    const canceled = await service.send({ thingId, ttl: 60 })
    await service.cancel(canceled.execution?.id ?? '')
    expect(await oldSettle(canceled.execution?.id ?? '')).toEqual([])
  })
})
