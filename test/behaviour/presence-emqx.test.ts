/**
 * What EMQX tells of its clients. No EMQX runs here, and Mosquitto lets nobody publish below `$SYS`: so the broker is a
 * stand-in (aedes) that tells what EMQX tells, to a real service over a real connection.
 */
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import { startTestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { presenceOf, watchThings } from '../support/things.ts'

if (!onServices) console.warn('DATABASE_URL and MQTT_URL are not set: the presence seen by two replicas did NOT run')

interface StandIn {
  url: string
  /** As EMQX publishes it. */
  tell(kind: 'connected' | 'disconnected', clientId: string, at?: number, more?: object): Promise<void>
  publish(topic: string, payload: string): Promise<void>
  stop(): Promise<void>
}

async function startStandIn(): Promise<StandIn> {
  const aedes = await Aedes.createBroker()
  const server = createServer(aedes.handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  const publish = (topic: string, payload: string) =>
    new Promise<void>((resolve, reject) => {
      const packet = { cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false } as const
      aedes.publish(packet, (error) => (error ? reject(error) : resolve()))
    })
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    publish,
    tell: (kind, clientid, at = Date.now(), more = {}) =>
      publish(
        `$SYS/brokers/emqx@127.0.0.1/clients/${clientid}/${kind}`,
        JSON.stringify({ clientid, username: clientid, [`${kind}_at`]: at, ts: at, ...more }),
      ),
    stop: () =>
      new Promise((resolve) => {
        aedes.close(() => server.close(() => resolve()))
      }),
  }
}

describe('presence from the events of EMQX', () => {
  let broker: StandIn
  let backend: Backend
  let service: Service

  beforeAll(async () => {
    broker = await startStandIn()
    backend = await createBackend()
    service = await startService({ backend, mqttUrl: broker.url, replicas: 1 })
  })
  afterAll(async () => {
    await service.stop()
    await backend.dispose()
    await broker.stop()
  })

  const register = async (clientId?: string): Promise<string> => {
    const id = uniqueName('thing')
    await service.registerThing(id, { clientId })
    return id
  }

  const untilOnline = (id: string, online: boolean | null) =>
    expect.poll(async () => (await presenceOf(service, id)).online, { timeout: 5_000, interval: 20 }).toBe(online)

  it('a client that connects and leaves is its thing, by the clientId in the payload', async () => {
    const clientId = `${uniqueName('client')}@hall:2`
    const id = await register(clientId)
    await broker.tell('connected', clientId)
    await untilOnline(id, true)
    const { execution } = await service.send({ thingId: id, ttl: 60 })
    await broker.tell('disconnected', clientId, Date.now(), { reason: 'keepalive_timeout' })
    await untilOnline(id, false)
    const { execution: later } = await service.send({ thingId: id, ttl: 60 })
    const onlineOf = async (executionId: string | undefined) => {
      const query = 'query ($id: ID!) { execution(id: $id) { thingOnline } }'
      return (await service.query<{ execution: { thingOnline: boolean } }>(query, { id: executionId })).execution
    }
    expect([await onlineOf(execution?.id), await onlineOf(later?.id)]).toEqual([
      { thingOnline: true },
      { thingOnline: false },
    ])
  })

  it('of events that overtake each other the newer one counts, and a connection that was replaced does not', async () => {
    const [overtaken, replaced, last] = [await register(), await register(), await register()]
    const now = Date.now()
    await broker.tell('connected', overtaken, now)
    await broker.tell('disconnected', overtaken, now - 5, { reason: 'tcp_closed' })
    await broker.tell('connected', replaced, now)
    for (const reason of ['takenover', 'discarded']) await broker.tell('disconnected', replaced, now + 5, { reason })
    await broker.tell('connected', last, now)
    await untilOnline(last, true)
    expect(await presenceOf(service, overtaken)).toMatchObject({ online: true })
    expect(await presenceOf(service, replaced)).toMatchObject({ online: true })
  })

  it('what is no event, and clients that are no things, do no harm', async () => {
    const id = await register()
    const topic = `$SYS/brokers/emqx@127.0.0.1/clients/${id}/connected`
    const junk = ['', 'null', '[]', '{', '{"clientid":7}', '{"clientid":"\\ud800"}', '{"clientid":"a\\u0000"}']
    for (const payload of junk) await broker.publish(topic, payload)
    await broker.publish(topic, JSON.stringify({ clientid: id, connected_at: 'yesterday' }))
    await broker.tell('connected', 'a-stranger')
    await broker.publish(topic, JSON.stringify({ clientid: id }))
    await untilOnline(id, true)
  })

  it('2,000 that reconnect together are written, and each in its latest state', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => register()))
    const now = Date.now()
    const startedAt = performance.now()
    for (let n = 0; n < 2_000; n++) {
      const id = ids[n % 100] ?? `stranger-${n}`
      await broker.tell('connected', id, now)
      await broker.tell('disconnected', id, now + 1, { reason: 'normal' })
      await broker.tell('connected', id, now + 2)
    }
    for (const id of ids) await untilOnline(id, true)
    console.info(`6,000 events of 2,000 clients: ${Math.round(performance.now() - startedAt)} ms until all was written`)
  }, 60_000)

  it('an answer does not change whether it is online', async () => {
    const id = await register()
    await broker.tell('disconnected', id, Date.now(), { reason: 'normal' })
    await untilOnline(id, false)
    const watching = await watchThings(service, { id })
    const { lastSeenAt } = await watching.until(() => true)
    const device = await startTestDevice(broker.url, id, { answer: () => ({ status: 'SUCCEEDED' }) })
    await service.send({ thingId: id, ttl: 60, wait: true })
    const seen = await watching.until((thing) => thing.lastSeenAt !== lastSeenAt)
    expect(seen.online).toBe(false)
    await watching.close()
    await device.stop()
  })

  describe.skipIf(!onServices)('with two replicas', () => {
    it('both hear it, and a subscriber of each is told; of what only one of them did as well', async () => {
      const other = await startService({
        backend,
        mqttUrl: broker.url,
        mqttClientId: uniqueName('b'),
        replicas: 1,
      })
      const id = await register()
      const watchings = [await watchThings(service, { id }), await watchThings(other, { id })]
      await broker.tell('connected', id)
      for (const watching of watchings) await watching.until(({ online }) => online === true)
      const startedAt = performance.now()
      const query = 'mutation ($id: ID!) { updateThing(input: { id: $id, tags: ["hall"] }) { errors { code } } }'
      await other.query(query, { id })
      for (const watching of watchings) await watching.until(({ tags }) => tags.includes('hall'))
      console.info(`told by the other replica after ${Math.round(performance.now() - startedAt)} ms`)
      await other.query('mutation ($id: ID!) { deregisterThing(id: $id) { errors { code } } }', { id })
      for (const watching of watchings) await watching.ended()
      for (const watching of watchings) await watching.close()
      await other.stop()
    }, 30_000)
  })
})
