/**
 * MQTT_SHARED_GROUP: refused on Mosquitto, which grants `$share` on `$`-topics and delivers nothing. No broker that shares
 * them is at hand, so a wire in front of Mosquitto writes `emqx/…` for `$emqx/…`: then Mosquitto itself does the sharing.
 */
import type { Packet } from 'mqtt-packet'
import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALL_RESPONSES, isCanaryTopic, responseTopic } from '../../src/protocol/topics.ts'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts'
import { type Direction, type MqttProxy, startMqttProxy } from '../support/mqtt-proxy.ts'
import { uniqueName } from '../support/names.ts'
import { readiness, type Service, startService, startServiceProcess } from '../support/service.ts'

const canRun = onServices && hasMosquitto
if (!canRun) console.warn('no DATABASE_URL and MQTT_URL, or no mosquitto: shared groups did NOT run')

const GROUP = 'fleet'

describe.skipIf(!canRun)('a shared group', () => {
  let broker: Mosquitto
  let backend: Backend

  beforeAll(async () => {
    broker = await startMosquitto()
    backend = await createBackend()
  })

  afterAll(async () => {
    await backend.dispose()
    await broker.dispose()
  })

  describe('on a broker that does not share topics with $', () => {
    it('ends the start in one line that says what to do', async () => {
      const env = { MQTT_URL: broker.url, MQTT_SHARED_GROUP: GROUP, MQTT_CLIENT_ID: uniqueName('alone') }
      const started = startServiceProcess(backend, env).then(
        () => 'it started',
        (error: Error) => error.message,
      )
      expect(await started).toMatch(
        /^serve ended with 1: MQTT_SHARED_GROUP: got "fleet", but this broker does not share .*Mosquitto.*EMQX.* Expected no MQTT_SHARED_GROUP.*\n$/,
      )
    })

    it('is found out as well where the broker comes only after the start: nothing can be sent', async () => {
      const late = await startMosquitto()
      await late.kill()
      const service = await startService({
        backend,
        replicas: 1,
        mqttUrl: late.url,
        mqttClientId: uniqueName('late'),
        mqttSharedGroup: GROUP,
      })
      await late.start()
      const checks = async () => (await readiness(service.url)).checks['broker']
      await expect.poll(checks, { timeout: 15_000 }).toContain('MQTT_SHARED_GROUP')
      const thingId = uniqueName('thing')
      await service.registerThing(thingId)
      expect((await service.send({ thingId })).errors).toMatchObject([{ code: 'BROKER_UNAVAILABLE' }])
      await service.stop()
      await late.dispose()
    })
  })

  describe('on a broker that does', () => {
    let wires: MqttProxy[]
    let services: Service[]
    let device: TestDevice
    let database: Sql
    const thingId = uniqueName('thing')
    /** How many responses each replica was given, and the canaries. */
    const given = [0, 0]
    let canaries = 0

    beforeAll(async () => {
      wires = await Promise.all([0, 1].map((n) => startMqttProxy(broker.url, (packet, way) => watch(packet, way, n))))
      services = await Promise.all(
        wires.map(({ url }, n) =>
          startService({
            backend,
            replicas: 1,
            mqttUrl: url,
            mqttClientId: uniqueName(`member-${n}`),
            mqttSharedGroup: GROUP,
          }),
        ),
      )
      const way = await startMqttProxy(broker.url, rename)
      wires.push(way)
      await services[0]?.registerThing(thingId)
      device = await startTestDevice(way.url, thingId)
      database = postgres(backend.settings.databaseUrl ?? '', { max: 1, onnotice: () => {} })
    })

    afterAll(async () => {
      await database.end()
      await device.stop()
      for (const service of services) await service.stop()
      for (const wire of wires) await wire.stop()
    })

    function watch(packet: Packet, direction: Direction, n: number): Packet {
      const renamed = rename(packet, direction)
      if (renamed.cmd !== 'publish' || direction === 'to the broker') return renamed
      if (isCanaryTopic(renamed.topic)) canaries += 1
      else if (renamed.topic.endsWith('/response')) given[n] = (given[n] ?? 0) + 1
      return renamed
    }

    const at = (n: number): Service => {
      const service = services[n % services.length]
      if (!service) throw new Error('no replica')
      return service
    }

    async function send(n: number): Promise<string> {
      const { execution, errors } = await at(n).send({ thingId, ttl: 60 })
      expect(errors).toEqual([])
      return execution?.id ?? ''
    }

    const untilStatus = (id: string, status: string) =>
      expect.poll(async () => (await at(0).execution(id)).status, { timeout: 10_000, interval: 20 }).toBe(status)

    it('was proved by a canary of each replica before anything was subscribed to', () => {
      // The second replica's may have come to the first one too, through the group; it is not counted as a response.
      expect(canaries).toBeGreaterThanOrEqual(2)
      expect(given).toEqual([0, 0])
    })

    it('brings each response to exactly one replica, and each of them takes its part', async () => {
      const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => send(n)))
      await Promise.all(ids.map((id) => device.respond(id, { status: 'SUCCEEDED', result: id })))
      for (const id of ids) await untilStatus(id, 'SUCCEEDED')
      expect((given[0] ?? 0) + (given[1] ?? 0)).toBe(100)
      expect(Math.min(...given)).toBeGreaterThan(0)
      for (const id of ids) expect(await at(0).execution(id)).toMatchObject({ result: id, ignoredResponseCount: 0 })
    })

    it('keeps a repeated response as evidence once, whoever hears it', async () => {
      const id = await send(0)
      for (let n = 0; n < 5; n++) await device.respond(id, { status: 'SUCCEEDED', result: 1 })
      const count = async () => (await at(1).execution(id)).ignoredResponseCount
      await expect.poll(count, { timeout: 10_000 }).toBe(4)
      const causes = (await at(1).execution(id)).ignoredResponses.map(({ cause }) => cause)
      expect(causes).toEqual(Array(4).fill('REPEATED'))
    })

    it('counts each of many, also beyond the ten that are kept', async () => {
      const id = await send(1)
      for (let n = 0; n < 25; n++) await device.respond(id, { status: 'SUCCEEDED', result: n })
      const count = async () => (await at(1).execution(id)).ignoredResponseCount
      await expect.poll(count, { timeout: 10_000 }).toBe(24)
    })

    it('answers a caller who waits at one replica when the other hears the response', async () => {
      for (let n = 0; n < 6; n++) {
        const known = device.requests.length
        const waiting = at(n).send({ thingId, ttl: 60, wait: true })
        await expect.poll(() => device.requests.length, { timeout: 5_000, interval: 5 }).toBe(known + 1)
        const executionId = device.requests.at(-1)?.executionId ?? ''
        await device.respond(executionId, { status: 'SUCCEEDED' })
        expect((await waiting).execution).toMatchObject({ id: executionId, status: 'SUCCEEDED' })
      }
    })

    it('records no message of the proof', async () => {
      const [row] = await database<{ n: number }[]>`select count(*)::int as n from executions where thing_id like '@%'`
      expect(row?.n).toBe(0)
      expect(responseTopic({ thingId, executionId: '01979b3e-6d0c-7cc5-a2a5-0e4cf3b1a111' })).not.toBe(ALL_RESPONSES)
    })
  })
})

/** `$emqx/…` on our side, `emqx/…` on that of the broker. */
function rename(packet: Packet, direction: Direction): Packet {
  if (packet.cmd === 'publish') {
    const topic = direction === 'to the broker' ? hide(packet.topic) : packet.topic.replace(/^emqx\//, '$emqx/')
    return { ...packet, topic }
  }
  if (packet.cmd === 'subscribe') {
    return { ...packet, subscriptions: packet.subscriptions.map((one) => ({ ...one, topic: hide(one.topic) })) }
  }
  if (packet.cmd === 'unsubscribe') return { ...packet, unsubscriptions: packet.unsubscriptions.map(hide) }
  return packet
}

const hide = (topic: string): string => topic.replace('$emqx/', 'emqx/')
