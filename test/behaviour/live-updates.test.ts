/** Live updates between replicas, whatever happens to the announcements on their way. */
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ALL_RESPONSES, ALL_UPDATES, updatedFilter } from '../../src/protocol/topics.ts'
import { freePort, startMosquitto as startMosquittoWith } from '../mqtt/support.ts'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import type { Client, ExecutionData } from '../support/client.ts'
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts'
import { isUpdate, type MqttProxy, startMqttProxy } from '../support/mqtt-proxy.ts'
import { uniqueName } from '../support/names.ts'
import { countIdleListeners, readiness, type Service, startService, startServiceProcess } from '../support/service.ts'
import { overWebSocket, type Subscriber } from '../support/subscription.ts'

const canRun = onServices && hasMosquitto
if (!canRun) console.warn('no DATABASE_URL and MQTT_URL, or no mosquitto: live updates between replicas did NOT run')

/** Far less than the database is looked through, so that only an announcement can have been so quick. */
const AT_ONCE_MS = 1_000

describe.skipIf(!canRun)('two replicas', () => {
  let broker: Mosquitto
  let backend: Backend
  let wireOfA: MqttProxy
  let wireOfB: MqttProxy
  let a: Service
  let b: Service
  let thingId: string
  let subscribers: Subscriber[]

  beforeAll(async () => {
    broker = await startMosquitto()
    backend = await createBackend()
    wireOfA = await startMqttProxy(broker.url)
    wireOfB = await startMqttProxy(broker.url)
    a = await startService({ backend, replicas: 1, mqttUrl: wireOfA.url })
    b = await startService({ backend, replicas: 1, mqttUrl: wireOfB.url, mqttClientId: uniqueName('b') })
  })

  beforeEach(async () => {
    thingId = uniqueName('thing')
    await a.registerThing(thingId)
    subscribers = []
    return async () => {
      for (const wire of [wireOfA, wireOfB]) wire.alter = (packet) => packet
      for (const subscriber of subscribers) await subscriber.close()
      await untilNobodyFollows()
    }
  })

  afterAll(async () => {
    await b.stop()
    await a.stop()
    await wireOfA.stop()
    await wireOfB.stop()
    await backend.dispose()
    await broker.dispose()
  })

  function subscribeAt(service: Client): Subscriber {
    const subscriber = overWebSocket(service)
    subscribers.push(subscriber)
    return subscriber
  }

  async function sendBy(service: Client, ttl = 60): Promise<string> {
    const { execution, errors } = await service.send({ thingId, ttl })
    expect(errors).toEqual([])
    return execution?.id ?? ''
  }

  /** What a replica unsubscribed from has reached the broker when a request that it published after it has. */
  async function untilNobodyFollows(): Promise<void> {
    for (const service of [a, b]) {
      await countIdleListeners(service)
      await sendBy(service)
    }
  }

  const swallowUpdates = (packet: Packet) => (isUpdate(packet) ? undefined : packet)
  const untilReady = (service: Service) =>
    expect.poll(async () => (await readiness(service.url)).status, { timeout: 15_000, interval: 50 }).toBe(200)

  it('an update that is lost is found in the database, whatever the subscriber asked for', async () => {
    wireOfA.alter = swallowUpdates
    const id = await sendBy(a)
    const subscriber = subscribeAt(b)
    const watchings = await Promise.all([
      subscriber.watch({ id }),
      subscriber.watch({ filter: { thingId } }),
      subscriber.watch({ filter: { action: 'reboot' } }),
    ])
    const waiting = b.send({ thingId, ttl: 60, wait: true })
    const isSent = ({ id: other, status }: ExecutionData) => other !== id && status === 'SENT'
    const waitedFor = await watchings[2]?.until(isSent)
    await a.cancel(id)
    await a.cancel(waitedFor?.id ?? '')
    for (const watching of watchings) await watching.until((one) => one.id === id && one.status === 'CANCELED')
    expect((await waiting).execution).toMatchObject({ id: waitedFor?.id, status: 'CANCELED' })
  })

  it('a subscriber hears of nothing that was over before it began', async () => {
    wireOfA.alter = swallowUpdates
    const before = await sendBy(a)
    await a.cancel(before)
    const watching = await subscribeAt(b).watch({ filter: { thingId } })
    const after = await sendBy(a)
    expect((await watching.next())?.id).toBe(after)
  })

  it('a replica that is killed between its commit and its update has told all the same', async () => {
    wireOfA.alter = swallowUpdates
    const env = { MQTT_URL: wireOfA.url, MQTT_CLIENT_ID: uniqueName('killed') }
    const killed = await startServiceProcess(backend, env)
    const watching = await subscribeAt(b).watch({ filter: { thingId } })
    const id = await sendBy(killed)
    const committed = await killed.cancel(id)
    await killed.kill('SIGKILL')
    expect(committed.execution?.status).toBe('CANCELED')
    await watching.until((one) => one.id === id && one.status === 'CANCELED')
  })

  it('while the broker is away subscribers of both are told of what either does, and at once when it is back', async () => {
    const watchings = await Promise.all([a, b].map((service) => subscribeAt(service).watch({ filter: { thingId } })))
    const [first, second, third] = [await sendBy(a), await sendBy(b), await sendBy(b)]
    await broker.kill()
    await a.cancel(first)
    await b.cancel(second)
    for (const watching of watchings) {
      const missing = new Set([first, second])
      while (missing.size > 0) missing.delete((await watching.until(({ status }) => status === 'CANCELED')).id)
    }
    // Canceled in the very moment: whether it was announced, nobody knows.
    const [canceling] = await Promise.all([b.cancel(third), broker.start()])
    expect(canceling.errors).toEqual([])
    for (const watching of watchings) await watching.until((one) => one.id === third && one.status === 'CANCELED')
    await Promise.all([a, b].map(untilReady))
    const last = await sendBy(b)
    for (const watching of watchings) await watching.until(({ id }) => id === last)
    await expectAtOnce(watchings[0], b)
    await expectAtOnce(watchings[1], a)
  })

  async function expectAtOnce(watching: Awaited<ReturnType<Subscriber['watch']>> | undefined, by: Service) {
    // The second: the first may have come before its topic was subscribed to again.
    for (let round = 0; round < 2; round++) {
      const id = await sendBy(by)
      await by.cancel(id)
      const { updatedAt } = (await watching?.until((one) => one.id === id && one.status === 'CANCELED')) ?? {}
      if (round === 1) expect(Date.now() - Date.parse(updatedAt ?? '')).toBeLessThan(AT_ONCE_MS)
    }
  }

  it('an older state never follows a newer one, though its update comes later', async () => {
    const held: IPublishPacket[] = []
    wireOfB.alter = (packet, direction) => {
      if (direction === 'to the broker' || packet.cmd !== 'publish' || !isUpdate(packet)) return packet
      const { status } = JSON.parse(String(packet.payload))
      if (status === 'SENT') held.push(packet)
      // The settling first, and only then the sending.
      return status === 'SENT' ? undefined : packet
    }
    const watching = await subscribeAt(b).watch({ filter: { thingId } })
    const id = await sendBy(a)
    await a.cancel(id)
    // The database may have told of it while it was SENT.
    const told = await watching.until(({ status }) => status === 'CANCELED')
    expect(told).toMatchObject({ id })
    expect(held).toHaveLength(1)
    const stale = held[0]
    wireOfB.alter = (packet, direction) => {
      if (!stale || direction === 'to the broker' || !isUpdate(packet)) return packet
      wireOfB.alter = (next) => next
      return { ...stale }
    }
    // Its update is replaced by the stale one; the database makes up for it.
    const other = await sendBy(a)
    expect(await watching.next()).toMatchObject({ id: other, status: 'SENT' })
  })

  it('a message that is no update, on the topic of one, changes nothing', async () => {
    const watching = await subscribeAt(b).watch({ filter: { thingId } })
    for (const payload of ['nonsense', '{}']) {
      wireOfB.alter = (packet, direction) =>
        direction === 'to the client' && isUpdate(packet) ? ({ ...packet, payload } as Packet) : packet
      const id = await sendBy(a)
      expect(await watching.next()).toMatchObject({ id, status: 'SENT' })
      await a.cancel(id)
      expect(await watching.next()).toMatchObject({ id, status: 'CANCELED' })
    }
  })

  it('a replica subscribes to just what its subscribers need, once, and to nothing when they are gone', async () => {
    const topics = new Map<string, number>()
    wireOfB.alter = (packet, direction) => {
      if (direction === 'to the broker') count(packet, topics)
      return packet
    }
    const open = () => [...topics].flatMap(([topic, times]) => (times === 0 ? [] : [[topic, times]]))
    const id = await sendBy(a)
    const subscriber = subscribeAt(b)
    const byThing = await Promise.all([1, 2, 3].map(() => subscriber.watch({ filter: { thingId } })))
    await expect.poll(open).toEqual([[updatedFilter({ thingId }), 1]])
    const byId = await subscriber.watch({ id })
    const all = await subscriber.watch({ filter: { status: 'TIMED_OUT' } })
    const several = [updatedFilter({ thingId }), updatedFilter({ executionId: id }), ALL_UPDATES]
    await expect
      .poll(() =>
        open()
          .map(([topic]) => topic)
          .toSorted(),
      )
      .toEqual(several.toSorted())
    await all.stop()
    await byThing[0]?.stop()
    await byThing[1]?.stop()
    await a.cancel(id)
    await byId.until(({ status }) => status === 'CANCELED')
    await expect.poll(open).toEqual([[updatedFilter({ thingId }), 1]])
    await byThing[2]?.stop()
    await expect.poll(open).toEqual([])
    // Nobody of these subscribed to anything else, and nobody twice.
    expect([...topics.keys()].toSorted()).toEqual(several.toSorted())
  })
})

describe.skipIf(!canRun)('two replicas whose access rules at the broker leave out the updates', () => {
  it('tell their subscribers of each other all the same, from the database', async () => {
    const port = await freePort()
    const acl = ['topic write $emqx/commands/things/+/executions/+/request', `topic read ${ALL_RESPONSES}`]
    // It grants the subscription and delivers nothing, and drops what is published.
    const broker = await startMosquittoWith(port, ['allow_anonymous true'], acl)
    const backend = await createBackend()
    const mqttUrl = `mqtt://127.0.0.1:${port}`
    const a = await startService({ backend, replicas: 1, mqttUrl })
    const b = await startService({ backend, replicas: 1, mqttUrl, mqttClientId: uniqueName('b') })
    const thingId = uniqueName('thing')
    await a.registerThing(thingId)
    const subscriber = overWebSocket(b)
    const watching = await subscriber.watch({ filter: { thingId } })
    for (let round = 0; round < 2; round++) {
      const { execution } = await a.send({ thingId, ttl: 60 })
      const { id } = await watching.until((one) => one.id === execution?.id && one.status === 'SENT')
      await a.cancel(id)
      await watching.until((one) => one.id === id && one.status === 'CANCELED')
    }
    expect((await readiness(b.url)).status).toBe(200)
    await subscriber.close()
    await b.stop()
    await a.stop()
    await backend.dispose()
    await broker.stop()
  })
})

function count(packet: Packet, topics: Map<string, number>): void {
  if (packet.cmd === 'subscribe') {
    for (const { topic } of packet.subscriptions) topics.set(topic, (topics.get(topic) ?? 0) + 1)
  }
  if (packet.cmd === 'unsubscribe') {
    // Not what an earlier test leaves behind.
    for (const topic of packet.unsubscriptions) if (topics.has(topic)) topics.set(topic, (topics.get(topic) ?? 0) - 1)
  }
}
