/** AT_LEAST_ONCE while the service is killed, and while the broker is away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBackend, onServices } from '../support/backend.ts'
import type { Client, ExecutionData, SendInput } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts'
import { uniqueName } from '../support/names.ts'
import { startProxy, type Wire } from '../support/proxy.ts'
import { type Service, startService, startServiceProcess, untilReady } from '../support/service.ts'

const SUCCEEDED = { status: 'SUCCEEDED' }

const untilStatus = (client: Client, id: string, status: string) =>
  expect.poll(async () => (await client.execution(id)).status, { timeout: 10_000, interval: 20 }).toBe(status)

const timesRequested = (device: TestDevice, id: string): number =>
  device.requests.filter(({ executionId }) => executionId === id).length

const untilRequested = (device: TestDevice, id: string, times: number) =>
  expect.poll(() => timesRequested(device, id), { timeout: 15_000, interval: 20 }).toBe(times)

describe('after kill -9', () => {
  it('an AT_LEAST_ONCE request is published again and settles; an AT_MOST_ONCE one is not', async () => {
    const backend = await createBackend()
    const thingId = uniqueName('thing')
    let service = await startServiceProcess(backend)
    await service.registerThing(thingId)
    const device = await startTestDevice(service.mqttUrl, thingId)
    const send = async (delivery: string): Promise<ExecutionData> => {
      const { execution } = await service.send({ thingId, ttl: 120, delivery })
      if (!execution) throw new Error('no execution')
      return execution
    }
    const [again, once] = [await send('AT_LEAST_ONCE'), await send('AT_MOST_ONCE')]
    await untilRequested(device, once.id, 1)
    await service.kill('SIGKILL')
    service = await startServiceProcess(backend, { MQTT_PORT: new URL(service.mqttUrl).port })
    await untilRequested(device, again.id, 2)
    await device.respond(again.id, SUCCEEDED)
    await untilStatus(service, again.id, 'SUCCEEDED')
    expect((await service.execution(again.id)).publishCount).toBeGreaterThanOrEqual(2)
    expect(await service.execution(once.id)).toMatchObject({ status: 'SENT', publishCount: 1 })
    expect(timesRequested(device, once.id)).toBe(1)
    await device.stop()
    await service.kill('SIGTERM')
    await backend.dispose()
  }, 120_000)
})

const canRun = onServices && hasMosquitto
if (!canRun) console.warn('no DATABASE_URL and MQTT_URL, or no mosquitto: outages of the broker did NOT run')

describe.skipIf(!canRun)('while the broker is away', () => {
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
    device = await startTestDevice(broker.url, thingId, { clean: false })
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
    await service.backend.dispose()
    await wire.stop()
    await broker.dispose()
  })

  async function countOpen(): Promise<number> {
    const { executions } = await service.query<{ executions: { nodes: object[] } }>(
      'query ($thingId: [ID!]) { executions(filter: { thingId: $thingId, status: SENT }) { nodes { id } } }',
      { thingId },
    )
    return executions.nodes.length
  }

  /** The link breaks before the PUBACK, when all of them are committed. */
  async function sendIntoSilence(inputs: Partial<SendInput>[]) {
    wire.silence()
    const sending = inputs.map((input) => service.send({ thingId, delivery: 'AT_LEAST_ONCE', ...input }))
    await expect.poll(countOpen, { timeout: 5_000, interval: 10 }).toBe(inputs.length)
    await wire.cut()
    return Promise.all(sending)
  }

  async function restore(): Promise<void> {
    await wire.restore()
    await untilReady(service, 200)
  }

  it('what is to be published again is no failure, waits without being counted, and is delivered', async () => {
    const [lasting, brief, once] = await sendIntoSilence([
      { ttl: 60 },
      { ttl: 2 },
      { ttl: 60, delivery: 'AT_MOST_ONCE' },
    ])
    expect(lasting).toMatchObject({ execution: { status: 'SENT', publishCount: 1 }, errors: [] })
    // Too short to be published again, it is as uncertain as one that never is.
    for (const unsure of [brief, once])
      expect(unsure).toMatchObject({ execution: null, errors: [{ code: 'DELIVERY_UNCONFIRMED' }] })
    const id = lasting?.execution?.id ?? ''
    const { publishCount } = await service.execution(id)
    // Over the first two of its times.
    await sleep(7_000)
    expect(await service.execution(id)).toMatchObject({ status: 'SENT', publishCount })
    await restore()
    await untilRequested(device, id, 1)
    await device.respond(id, SUCCEEDED)
    await untilStatus(service, id, 'SUCCEEDED')
    expect((await service.execution(id)).publishCount).toBe(publishCount + 1)
    expect(device.requests.map(({ executionId }) => executionId)).toEqual([id])
    await service.cancel(once?.errors[0]?.executionId ?? '')
  }, 60_000)

  it('nothing is published after the TTL', async () => {
    device.requests.length = 0
    const [sent] = await sendIntoSilence([{ ttl: 4 }])
    const id = sent?.execution?.id ?? ''
    await untilStatus(service, id, 'TIMED_OUT')
    await restore()
    const { publishCount } = await service.execution(id)
    const marker = (await service.send({ thingId, ttl: 20 })).execution?.id ?? ''
    await untilRequested(device, marker, 1)
    await sleep(1_000)
    expect(device.requests.map(({ executionId }) => executionId)).toEqual([marker])
    expect((await service.execution(id)).publishCount).toBe(publishCount)
    await service.cancel(marker)
  }, 60_000)

  it('at send time: BROKER_UNAVAILABLE, and nothing is recorded', async () => {
    await wire.cut()
    await untilReady(service, 503)
    const { execution, errors } = await service.send({ thingId, ttl: 60, delivery: 'AT_LEAST_ONCE' })
    expect(execution).toBeNull()
    expect(errors).toMatchObject([{ code: 'BROKER_UNAVAILABLE', executionId: null }])
    await restore()
  })

  it('a broker that forgot the request when it was killed gets it again', async () => {
    const { execution } = await service.send({ thingId, ttl: 60, delivery: 'AT_LEAST_ONCE' })
    const id = execution?.id ?? ''
    await untilRequested(device, id, 1)
    await broker.kill()
    await untilReady(service, 503)
    await broker.start()
    // It forgot the subscription of the device, too.
    await device.stop()
    device = await startTestDevice(broker.url, thingId, { clean: false })
    await untilRequested(device, id, 1)
    await device.respond(id, SUCCEEDED)
    await untilStatus(service, id, 'SUCCEEDED')
  }, 60_000)
})
