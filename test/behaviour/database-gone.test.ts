import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { scrape } from '../support/metrics.ts'
import { uniqueName } from '../support/names.ts'
import { startProxy, type Wire } from '../support/proxy.ts'
import { readiness, type Service, startService, untilReady } from '../support/service.ts'
import { watch } from '../support/subscription.ts'

if (!onServices) console.warn('DATABASE_URL and MQTT_URL are not set: outages of the database did NOT run')

const INTERNALS = /select|insert|update|postgres|ECONN|CONNECTION|127\.0\.0\.1|node_modules|\.ts\b|\n +at /i

describe.skipIf(!onServices)('while the database is gone', () => {
  let backend: Backend
  let wire: Wire
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    backend = await createBackend()
    wire = await startProxy(backend.settings.databaseUrl ?? '')
    service = await startService({ backend, databaseUrl: wire.urlOf(backend.settings.databaseUrl ?? '') })
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId)
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
    await wire.stop()
    await backend.dispose()
  })

  afterEach(() => wire.restore())

  const ready = () => readiness(service.url)

  async function send(ttl: number): Promise<string> {
    const { execution, errors } = await service.send({ thingId, ttl })
    expect(errors).toEqual([])
    return execution?.id ?? ''
  }

  async function expectRefusedFast(): Promise<void> {
    const startedAt = performance.now()
    const graphql = await service.request(
      'mutation ($input: SendCommandInput!) { sendCommand(input: $input) { execution { id } errors { code } } }',
      { input: { thingId, action: 'reboot' } },
    )
    expect(graphql.data ?? null).toBeNull()
    expect(graphql.errors).toMatchObject([{ extensions: { code: 'DATABASE_UNAVAILABLE' } }])
    const rest = await fetch(`${service.url}/api/v1/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ thingId, action: 'reboot' }),
    })
    const problem = await rest.text()
    expect(rest.status).toBe(503)
    expect(rest.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(problem)).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE' })
    for (const text of [JSON.stringify(graphql.errors?.map(({ message }) => message)), problem]) {
      expect(text).not.toMatch(INTERNALS)
    }
    expect(performance.now() - startedAt).toBeLessThan(8_000)
  }

  it.each([
    ['refuses connections', () => wire.cut()],
    ['accepts connections and hangs up', async () => wire.hangUp()],
  ])(
    'because it %s: callers are told, answers are kept and applied, nothing is lost',
    async (_name, goAway) => {
      const [answered, open] = [
        await Promise.all(Array.from({ length: 50 }, () => send(60))),
        await Promise.all(Array.from({ length: 5 }, () => send(1))),
      ]
      const waiting = service.send({ thingId, ttl: 60, wait: true })
      await expect.poll(() => device.requests.length, { timeout: 5_000 }).toBe(56)
      const waited = device.requests.at(-1)?.executionId ?? ''
      const socket = service.webSocket()
      const watching = watch(socket, { id: answered[0] ?? '' })
      expect(await watching.next()).toMatchObject({ status: 'SENT' })

      await goAway()
      // The broker confirms these: from here on they may not be lost.
      for (const id of [...answered, waited]) await device.respond(id, { status: 'SUCCEEDED', result: id })
      await untilReady(service, 503)
      expect((await ready()).checks).toMatchObject({ broker: 'ok' })
      for (let round = 0; round < 3; round++) await expectRefusedFast()
      await sleep(1_500)

      await wire.restore()
      await untilReady(service, 200)
      for (const id of answered) {
        await expect.poll(async () => (await service.execution(id)).status, { timeout: 10_000 }).toBe('SUCCEEDED')
        expect(await service.execution(id)).toMatchObject({ result: id, ignoredResponseCount: 0 })
      }
      for (const id of open) await expect.poll(async () => (await service.execution(id)).status).toBe('TIMED_OUT')
      expect(await waiting).toMatchObject({ execution: { status: 'SUCCEEDED', result: waited }, errors: [] })
      expect(await watching.until(({ status }) => status !== 'SENT')).toMatchObject({ status: 'SUCCEEDED' })
      await socket.dispose()
      expect(await send(1)).toBeTruthy()
      device.requests.length = 0
    },
    60_000,
  )

  // Needs the gateway to try again at least every 250 ms (MAX_RETRY_MS in src/mqtt/listen.ts): at 5 s, expiry is quicker.
  it('an answer that came in time counts, though the TTL passed during the outage', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => send(2)))
    await wire.cut()
    for (const id of ids) await device.respond(id, { status: 'SUCCEEDED' })
    await sleep(5_000)
    await wire.restore()
    await untilReady(service, 200)
    await expect
      .poll(async () => Promise.all(ids.map(async (id) => (await service.execution(id)).status)), { timeout: 10_000 })
      .not.toContain('SENT')
    const statuses = new Set(await Promise.all(ids.map(async (id) => (await service.execution(id)).status)))
    expect([...statuses]).toEqual(['SUCCEEDED'])
  }, 30_000)

  it('that says nothing any more: callers are told in time, and it recovers', async () => {
    const id = await send(60)
    wire.silence()
    await device.respond(id, { status: 'SUCCEEDED' })
    const askedAt = performance.now()
    for (const asked of await Promise.all(Array.from({ length: 20 }, ready))) {
      expect(asked).toMatchObject({ status: 503, checks: { database: 'does not answer', broker: 'ok' } })
    }
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200)
    expect((await scrape(service.url)).value('fleet_commands_database_up')).toBe(0)
    // 1.5 s for each of the two looks.
    expect(performance.now() - askedAt).toBeLessThan(5_000)
    const startedAt = performance.now()
    const { errors } = await service.request('{ executions { nodes { id } } }')
    expect(errors).toMatchObject([{ extensions: { code: 'DATABASE_UNAVAILABLE' } }])
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    await wire.restore()
    await untilReady(service, 200)
    await expect.poll(async () => (await service.execution(id)).status, { timeout: 10_000 }).toBe('SUCCEEDED')
  }, 60_000)
})
