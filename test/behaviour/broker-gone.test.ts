import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBackend, onServices } from '../support/backend.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts'
import { uniqueName } from '../support/names.ts'
import { startProxy, type Wire } from '../support/proxy.ts'
import { REPLICAS, readiness, type Service, startService, untilReady } from '../support/service.ts'

const canRun = onServices && hasMosquitto
if (!canRun) console.warn('no DATABASE_URL and MQTT_URL, or no mosquitto: outages of the broker did NOT run')

describe.skipIf(!canRun)('while the broker is gone', () => {
  let broker: Mosquitto
  let wire: Wire
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    broker = await startMosquitto()
    wire = await startProxy(broker.url)
    const backend = await createBackend()
    service = await startService({ backend, mqttUrl: wire.urlOf(broker.url) })
    await service.registerThing(thingId)
    // It has its own way to the broker, and a session that outlives its connection.
    device = await startTestDevice(broker.url, thingId, { clean: false })
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
    await service.backend.dispose()
    await wire.stop()
    await broker.dispose()
  })

  const ready = () => readiness(service.url)
  const untilStatus = (id: string, status: string) =>
    expect.poll(async () => (await service.execution(id)).status, { timeout: 10_000, interval: 50 }).toBe(status)
  const countExecutions = async () => {
    const { executions } = await service.query<{ executions: { nodes: object[] } }>(
      'query ($thingId: [ID!]) { executions(filter: { thingId: $thingId }, first: 100) { nodes { id } } }',
      { thingId },
    )
    return executions.nodes.length
  }

  /** A command that the device gets shows that nothing else is on its way to it any more. */
  async function expectNothingStale(): Promise<void> {
    const { execution, errors } = await service.send({ thingId, ttl: 30 })
    expect(errors).toEqual([])
    await expect.poll(() => device.requests.at(-1)?.executionId, { timeout: 5_000 }).toBe(execution?.id)
    await sleep(300)
    expect(device.requests.map(({ executionId }) => executionId)).toEqual([execution?.id])
    await device.respond(execution?.id ?? '', { status: 'SUCCEEDED' })
    await untilStatus(execution?.id ?? '', 'SUCCEEDED')
    device.requests.length = 0
  }

  it('at send: BROKER_UNAVAILABLE, and nothing is recorded', async () => {
    await wire.cut()
    await untilReady(service, 503)
    expect((await ready()).checks).toMatchObject({ database: 'ok', broker: expect.stringMatching(/./) })
    expect((await ready()).checks['broker']).not.toBe('ok')
    const before = await countExecutions()
    for (const wait of [false, true]) {
      const { execution, errors } = await service.send({ thingId, wait, idempotencyKey: `${thingId}-gone` })
      expect(execution).toBeNull()
      expect(errors).toMatchObject([{ code: 'BROKER_UNAVAILABLE', executionId: null }])
    }
    const response = await fetch(`${service.url}/api/v1/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ thingId, action: 'reboot' }),
    })
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ status: 503, code: 'BROKER_UNAVAILABLE' })
    expect(await countExecutions()).toBe(before)
    await wire.restore()
    await untilReady(service, 200)
    // The key was not used up by what was not recorded.
    const { execution } = await service.send({ thingId, ttl: 1, idempotencyKey: `${thingId}-gone` })
    expect(execution?.status).toBe('SENT')
    await untilStatus(execution?.id ?? '', 'TIMED_OUT')
    device.requests.length = 0
    await expectNothingStale()
  })

  // Another replica answers a repetition with what is committed, also before the broker has confirmed the first.
  it.skipIf(REPLICAS > 1)(
    'before the PUBACK: DELIVERY_UNCONFIRMED, and the request is never delivered late',
    async () => {
      wire.silence()
      const input = { thingId, ttl: 3, idempotencyKey: `${thingId}-unconfirmed` }
      const answered: string[] = []
      const sending = service.send(input).finally(() => answered.push('first'))
      await sleep(150)
      const repeating = service.send(input).finally(() => answered.push('repeated'))
      await sleep(300)
      // Neither is answered before it is known what the broker has.
      expect(answered).toEqual([])
      await wire.cut()
      const { execution, errors } = await sending
      expect(execution).toBeNull()
      expect(errors).toMatchObject([{ code: 'DELIVERY_UNCONFIRMED', executionId: expect.any(String) }])
      const id = errors[0]?.executionId ?? ''
      expect((await repeating).execution).toMatchObject({ id, status: 'SENT' })
      expect((await service.execution(id)).status).toBe('SENT')
      // The retry names the execution, and sends nothing.
      expect((await service.send(input)).execution).toMatchObject({ id, status: 'SENT' })
      await wire.restore()
      await untilReady(service, 200)
      expect((await service.send(input)).execution?.id).toBe(id)
      await expectNothingStale()
      await untilStatus(id, 'TIMED_OUT')
      expect((await service.execution(id)).statusReason?.code).toBe('NO_RESPONSE')
    },
  )

  it('a broker that is silent longer than the TTL: the TTL decides', async () => {
    wire.silence()
    const { execution, errors } = await service.send({ thingId, ttl: 1 })
    const id = execution?.id ?? errors[0]?.executionId ?? ''
    await untilStatus(id, 'TIMED_OUT')
    await wire.restore()
    await untilReady(service, 200)
    await expectNothingStale()
  })

  it('an answer reaches an unconfirmed execution all the same', async () => {
    wire.silence()
    const sending = service.send({ thingId, ttl: 20 })
    await sleep(300)
    await wire.cut()
    const id = (await sending).errors[0]?.executionId ?? ''
    await wire.restore()
    await untilReady(service, 200)
    await device.respond(id, { status: 'SUCCEEDED' })
    await untilStatus(id, 'SUCCEEDED')
  })

  it('a device that was away gets nothing after the TTL', async () => {
    await device.stop()
    const { execution } = await service.send({ thingId, ttl: 1 })
    await untilStatus(execution?.id ?? '', 'TIMED_OUT')
    await sleep(1_000)
    device = await startTestDevice(broker.url, thingId, { clean: false })
    await expectNothingStale()
  })

  it('expiry goes on, a waiting caller is answered, and all is well when it is back', async () => {
    const waiting = service.send({ thingId, ttl: 2, wait: true })
    await expect.poll(() => device.requests.length, { timeout: 5_000 }).toBe(1)
    await broker.kill()
    await untilReady(service, 503)
    const { execution } = await waiting
    expect(execution).toMatchObject({ status: 'TIMED_OUT' })
    const lateness = Date.parse(execution?.settledAt ?? '') - Date.parse(execution?.expiresAt ?? '')
    expect(lateness).toBeLessThanOrEqual(1_000)
    await broker.start()
    await untilReady(service, 200)
    await expect.poll(() => device.client.connected, { timeout: 5_000 }).toBe(true)
    // It forgot everything with its kill: the device subscribes again.
    await device.stop()
    device = await startTestDevice(broker.url, thingId, { clean: false })
    await expectNothingStale()
  })
})
