/** Requests that are published again until they are answered or expire, and those that never are. */
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDevice } from '../../src/device/device.ts'
import { requestFilter } from '../../src/protocol/topics.ts'
import { onServices } from '../support/backend.ts'
import type { ExecutionData, SendInput } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { startMqttProxy } from '../support/mqtt-proxy.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'

if (!onServices) console.warn('DATABASE_URL and MQTT_URL are not set: MQTT 5, and two replicas at once, did NOT run')

const SUCCEEDED = { status: 'SUCCEEDED', result: 'done' }

describe('AT_LEAST_ONCE', () => {
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    service = await startService()
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId)
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
  })

  async function send(input: Partial<SendInput>): Promise<ExecutionData> {
    const { execution, errors } = await service.send({ thingId, ttl: 60, delivery: 'AT_LEAST_ONCE', ...input })
    expect(errors).toEqual([])
    if (!execution) throw new Error('no execution')
    return execution
  }

  const requestsOf = ({ id }: ExecutionData) => device.requests.filter(({ executionId }) => executionId === id)
  const untilRequested = (execution: ExecutionData, times: number) =>
    expect.poll(() => requestsOf(execution).length, { timeout: 10_000, interval: 20 }).toBe(times)
  const untilStatus = ({ id }: ExecutionData, status: string) =>
    expect.poll(async () => (await service.execution(id)).status, { timeout: 15_000, interval: 20 }).toBe(status)

  it('a request is published again after 2, 4, … seconds, until it is answered, is canceled or expires', async () => {
    const sentAt = Date.now()
    const answered = await send({})
    await device.respond(answered.id, SUCCEEDED)
    const canceled = await send({})
    await service.cancel(canceled.id)
    const [silent, ignoredOnce] = [await send({}), await send({ params: { value: 24 } })]
    const [brief, briefest] = [await send({ ttl: 5 }), await send({ ttl: 2 })]
    const [once, usual] = [
      await send({ delivery: 'AT_MOST_ONCE' }),
      (await service.send({ thingId, ttl: 60 })).execution,
    ]
    if (!usual) throw new Error('no execution')
    expect(ignoredOnce).toMatchObject({ delivery: 'AT_LEAST_ONCE', publishCount: 1, status: 'SENT' })
    for (const execution of [once, usual])
      expect(execution).toMatchObject({ delivery: 'AT_MOST_ONCE', publishCount: 1, status: 'SENT' })

    await untilRequested(ignoredOnce, 2)
    const [first, second] = requestsOf(ignoredOnce)
    // The deadline that a device compares with stays where it was.
    expect(second).toEqual({ ...first, receivedAt: expect.any(Number) })
    expect((second?.receivedAt ?? 0) - Date.parse(ignoredOnce.createdAt)).toBeGreaterThanOrEqual(1_990)
    await device.respond(ignoredOnce.id, SUCCEEDED)
    await untilStatus(ignoredOnce, 'SUCCEEDED')

    await untilRequested(silent, 3)
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(5_900)
    await untilStatus(brief, 'TIMED_OUT')
    // What else could have been published at 6 s has been by now.
    await sleep(700)
    const expected: [ExecutionData, number, string][] = [
      [ignoredOnce, 2, 'SUCCEEDED'],
      [answered, 1, 'SUCCEEDED'],
      [canceled, 1, 'CANCELED'],
      [silent, 3, 'SENT'],
      [brief, 2, 'TIMED_OUT'],
      [briefest, 1, 'TIMED_OUT'],
      [once, 1, 'SENT'],
      [usual, 1, 'SENT'],
    ]
    for (const [execution, times, status] of expected) {
      expect(requestsOf(execution)).toHaveLength(times)
      expect(await service.execution(execution.id)).toMatchObject({ publishCount: times, status })
    }
    for (const { id } of [silent, once, usual]) await service.cancel(id)
  }, 30_000)

  it('a new count is no change: its `updatedAt` stays', async () => {
    const execution = await send({})
    await untilRequested(execution, 2)
    expect(await service.execution(execution.id)).toEqual({ ...execution, publishCount: 2 })
    await service.cancel(execution.id)
  })

  it('the reference device whose answer is lost acts once, and answers again', async () => {
    const name = uniqueName('reference')
    await service.registerThing(name)
    let lost = 0
    const proxy = await startMqttProxy(service.mqttUrl, (packet, direction) => {
      if (lost > 0 || direction !== 'to the broker' || packet.cmd !== 'publish') return packet
      lost += 1
      return undefined
    })
    let acted = 0
    const answers: boolean[] = []
    const reference = await startDevice({
      thingId: name,
      url: proxy.url,
      act: async () => ({ status: 'SUCCEEDED', result: ++acted }),
      onEvent: (event) => event.kind === 'answered' && answers.push(event.fromMemory),
    })
    const execution = await send({ thingId: name, ttl: 20, wait: true })
    expect(execution).toMatchObject({ status: 'SUCCEEDED', result: 1, publishCount: 2, ignoredResponseCount: 0 })
    expect({ acted, lost }).toEqual({ acted: 1, lost: 1 })
    await expect.poll(() => answers).toEqual([true])
    await reference.stop()
    await proxy.stop()
  }, 30_000)

  it('NO_SUBSCRIBER is said only where no publish found one', async () => {
    const name = uniqueName('late')
    await service.registerThing(name)
    const alone = await send({ thingId: name, ttl: 1 })
    await untilStatus(alone, 'TIMED_OUT')
    expect((await service.execution(alone.id)).statusReason?.code).toBe('NO_SUBSCRIBER')
    const heard = await send({ thingId: name, ttl: 5 })
    const late = await startTestDevice(service.mqttUrl, name)
    expect((await late.nextRequest()).executionId).toBe(heard.id)
    await untilStatus(heard, 'TIMED_OUT')
    expect((await service.execution(heard.id)).statusReason?.code).toBe('NO_RESPONSE')
    await late.stop()
  }, 30_000)

  it.skipIf(!onServices)(
    'the broker is told the TTL that is left',
    async () => {
      const client = await mqtt.connectAsync(service.mqttUrl, { protocolVersion: 5, clientId: uniqueName('five') })
      const name = uniqueName('expiring')
      await service.registerThing(name)
      const expiries: (number | undefined)[] = []
      client.on('message', (_topic, _payload, { properties }) => expiries.push(properties?.messageExpiryInterval))
      await client.subscribeAsync(requestFilter(name), { qos: 1 })
      const execution = await send({ thingId: name, ttl: 20 })
      await expect.poll(() => expiries.length, { timeout: 10_000 }).toBe(2)
      const [first = 0, second = 0] = expiries
      expect(first).toBeGreaterThanOrEqual(18)
      expect(second).toBeGreaterThanOrEqual(15)
      expect(second).toBeLessThanOrEqual(18)
      await service.cancel(execution.id)
      await client.endAsync()
    },
    30_000,
  )

  it.skipIf(!onServices)(
    'several replicas: each request is published by one of them at a time',
    async () => {
      const other = await startService({ backend: service.backend, mqttClientId: uniqueName('other'), replicas: 1 })
      const sent = await Promise.all(Array.from({ length: 60 }, (_, n) => (n % 2 ? other : service)).map(sendBy))
      for (const execution of sent) await untilRequested(execution, 3)
      await sleep(700)
      for (const execution of sent) {
        expect(requestsOf(execution)).toHaveLength(3)
        expect((await other.execution(execution.id)).publishCount).toBe(3)
      }
      await Promise.all(sent.map(({ id }) => device.respond(id, SUCCEEDED)))
      for (const execution of sent) await untilStatus(execution, 'SUCCEEDED')
      await other.stop()
    },
    30_000,
  )

  async function sendBy(replica: Service): Promise<ExecutionData> {
    const { execution } = await replica.send({ thingId, ttl: 60, delivery: 'AT_LEAST_ONCE' })
    if (!execution) throw new Error('no execution')
    return execution
  }
})
