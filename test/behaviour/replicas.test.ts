import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrateDatabase } from '../../src/db/connect.ts'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import type { ExecutionData } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { overWebSocket } from '../support/subscription.ts'

if (!onServices) console.warn('DATABASE_URL and MQTT_URL are not set: several processes on one Postgres did NOT run')

const SUCCEEDED = { status: 'SUCCEEDED', result: 1 }

describe.skipIf(!onServices)('two services on one Postgres and one broker', () => {
  let backend: Backend
  let a: Service
  let b: Service
  let device: TestDevice
  let database: Sql
  const thingId = uniqueName('thing')
  const replica = uniqueName('b')

  beforeAll(async () => {
    backend = await createBackend()
    a = await startService({ backend, replicas: 1 })
    b = await startService({ backend, mqttClientId: replica, replicas: 1 })
    await a.registerThing(thingId)
    device = await startTestDevice(a.mqttUrl, thingId)
    database = postgres(backend.settings.databaseUrl ?? '', { max: 1, onnotice: () => {} })
  })

  afterAll(async () => {
    await database.end()
    await device.stop()
    await b.stop()
    await a.stop()
    await backend.dispose()
  })

  async function sendBy(service: Service, ttl = 60): Promise<string> {
    const { execution, errors } = await service.send({ thingId, ttl })
    expect(errors).toEqual([])
    return execution?.id ?? ''
  }

  async function until(id: string, fits: (execution: ExecutionData) => boolean): Promise<ExecutionData> {
    await expect.poll(() => a.execution(id), { timeout: 10_000, interval: 20 }).toSatisfy(fits)
    return a.execution(id)
  }

  /** Both have dealt with everything that was published before, when both have heard what came after it. */
  async function untilBothHeard(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const id = await sendBy(a)
      await device.respond(id, { status: 'REJECTED' })
      await until(id, ({ status }) => status === 'REJECTED')
      // Kept once, and marked by each replica that heard it.
      await device.respond(id, { status: 'FAILED' })
      await expect
        .poll(async () => {
          const [row] = await database<{ n: number }[]>`
            select coalesce(max(cardinality(seen_by)), 0) as n from ignored_responses where execution_id = ${id}`
          return row?.n
        })
        .toBe(2)
    }
  }

  it('both hear each response; one applies it, and the other keeps no evidence of it', async () => {
    const ids = await Promise.all(Array.from({ length: 200 }, (_, n) => sendBy(n % 2 ? a : b)))
    await Promise.all(ids.map((id) => device.respond(id, SUCCEEDED)))
    for (const id of ids) await until(id, ({ status }) => status === 'SUCCEEDED')
    await untilBothHeard()
    for (const id of ids) expect((await a.execution(id)).ignoredResponses).toEqual([])
    const settlers = await database<{ n: number }[]>`
      select count(distinct settled_by)::int as n from executions where id in ${database(ids)}`
    expect(settlers[0]?.n).toBeGreaterThanOrEqual(1)
  })

  it('a late response is kept once, and a repeated one once for each repetition', async () => {
    const [late, repeated, different] = [await sendBy(a), await sendBy(b), await sendBy(a)]
    await a.cancel(late)
    await device.respond(late, SUCCEEDED)
    for (let n = 0; n < 4; n++) await device.respond(repeated, SUCCEEDED)
    await device.respond(different, SUCCEEDED)
    await until(different, ({ status }) => status === 'SUCCEEDED')
    for (const result of [2, 3, 2]) await device.respond(different, { status: 'FAILED', result })
    await untilBothHeard()
    expect((await a.execution(late)).ignoredResponses).toMatchObject([{ cause: 'LATE' }])
    expect((await b.execution(repeated)).ignoredResponses.map(({ cause }) => cause)).toEqual(Array(3).fill('REPEATED'))
    expect((await a.execution(different)).ignoredResponses.map(({ result }) => result)).toEqual([2, 3, 2])
    expect((await a.execution(different)).ignoredResponseCount).toBe(3)
  })

  it('a subscriber of one sees at once what the other sent, settled, canceled and expired', async () => {
    const subscriber = overWebSocket(a)
    const watching = await subscriber.watch({ filter: { thingId } })
    const latencies: number[] = []
    const seen = async (id: string, status: string) => {
      const execution = await watching.until((one) => one.id === id && one.status === status)
      latencies.push(Date.now() - Date.parse(execution.updatedAt))
    }
    const [answered, canceled, expired] = [await sendBy(b), await sendBy(b), await sendBy(b, 1)]
    for (const id of [answered, canceled, expired]) await seen(id, 'SENT')
    await device.respond(answered, SUCCEEDED)
    await seen(answered, 'SUCCEEDED')
    await b.cancel(canceled)
    await seen(canceled, 'CANCELED')
    await seen(expired, 'TIMED_OUT')
    console.info(`from the commit of one replica to the subscriber of the other: at most ${Math.max(...latencies)} ms`)
    expect(Math.max(...latencies)).toBeLessThan(1_000)
    await subscriber.close()
  })

  it('a caller who waits at one is answered when the other settles', async () => {
    const before = device.requests.length
    const waiting = a.send({ thingId, ttl: 60, wait: true })
    await expect.poll(() => device.requests.length, { timeout: 5_000 }).toBe(before + 1)
    const executionId = device.requests.at(-1)?.executionId ?? ''
    await b.cancel(executionId)
    expect(await waiting).toMatchObject({ execution: { id: executionId, status: 'CANCELED' } })
  })

  it('no execution goes back, whoever tells of it', async () => {
    const subscriber = overWebSocket(a)
    const watching = await subscriber.watch({ filter: { thingId } })
    const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => sendBy(n % 2 ? a : b)))
    const last = await sendBy(b)
    await Promise.all(
      ids.flatMap((id) => [
        device.respond(id, SUCCEEDED),
        device.respond(id, { status: 'FAILED' }),
        a.cancel(id),
        b.cancel(id),
        device.respond(id, { status: 'REJECTED' }),
      ]),
    )
    await untilBothHeard()
    await b.cancel(last)
    const history = new Map<string, ExecutionData[]>()
    await watching.until((execution) => {
      history.set(execution.id, [...(history.get(execution.id) ?? []), execution])
      return execution.id === last && execution.status === 'CANCELED'
    })
    for (const id of ids) {
      const changes = history.get(id) ?? []
      const instants = changes.map(({ updatedAt }) => updatedAt)
      expect(instants).toEqual(instants.toSorted())
      const settled = changes.filter(({ status }) => status !== 'SENT').map(({ status }) => status)
      expect(new Set(settled).size).toBe(1)
      expect(changes.slice(-settled.length).every(({ status }) => status !== 'SENT')).toBe(true)
    }
    await subscriber.close()
  })

  it('migrations that two processes start at once on an empty database both succeed', async () => {
    const empty = await createBackend()
    const url = empty.settings.databaseUrl ?? ''
    await Promise.all(Array.from({ length: 4 }, () => migrateDatabase(url)))
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from drizzle.__drizzle_migrations`
    expect(row?.n).toBeGreaterThan(0)
    await sql.end()
    await empty.dispose()
  })
})
