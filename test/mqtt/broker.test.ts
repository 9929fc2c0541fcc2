/** The embedded broker: who may do what on it, and what it keeps. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { generate } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { type Broker, startBroker } from '../../src/mqtt/broker.ts'
import { MAX_QUEUED_REQUESTS } from '../../src/mqtt/broker-queues.ts'
import { createGateway, type MqttGateway } from '../../src/mqtt/gateway.ts'
import {
  ALL_RESPONSES,
  ALL_UPDATES,
  requestFilter,
  responseTopic,
  updatedFilter,
  updatedTopic,
} from '../../src/protocol/topics.ts'
import { newExecution as anyExecution } from '../support/execution.ts'
import {
  answerAll,
  closing,
  collectResponses,
  connectClient,
  connectDevice,
  createTestLog,
  hasSession,
  newRequest,
  topicOf,
  until,
} from './support.ts'

const SERVICE = 'service'
const MINE = newRequest('mine')
const THEIRS = newRequest('theirs')

const newExecution = (thingId: string) => anyExecution({ thingId })

describe('embedded broker', () => {
  let broker: Broker
  let gateway: MqttGateway
  let collected: ReturnType<typeof collectResponses>
  /** Things by the client ids that they have. */
  let registry: Map<string, string>
  let secretHashes: Map<string, string>
  let isDatabaseAway: boolean
  let url: string
  const endings: (() => unknown)[] = []

  beforeEach(async () => {
    registry = new Map([
      ['mine', 'mine'],
      ['theirs', 'theirs'],
    ])
    secretHashes = new Map()
    isDatabaseAway = false
    const { log } = createTestLog()
    const lookUpClient = async (clientId: string) => {
      if (isDatabaseAway) throw new Error('no database')
      const thingId = registry.get(clientId)
      return thingId === undefined ? undefined : { thingId, secretHash: secretHashes.get(thingId) ?? null }
    }
    const options = { host: '127.0.0.1', port: 0, log, serviceClientId: SERVICE, isOpen: true }
    broker = await startBroker({ ...options, lookUpClient })
    url = `mqtt://127.0.0.1:${broker.port}`
    collected = collectResponses()
    gateway = createGateway({ link: broker.link, log })
    await gateway.start(collected.handler)
  })

  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end()
    await gateway.stop()
    await broker.stop()
  })

  async function openClient(clientId: string, options: object = {}) {
    const client = await connectClient(url, { clientId, ...options })
    endings.push(() => client.endAsync(true))
    return client
  }

  async function openDevice(thingId: string, options: object = {}) {
    const device = await connectDevice(url, thingId, options)
    endings.push(() => device.client.endAsync(true))
    return device
  }

  /** The broker is alive, and has handled all that came before. */
  async function expectAlive(): Promise<void> {
    const device = await openDevice('theirs')
    await device.respond(THEIRS.executionId, '"alive"')
    await until(() => expect(collected.texts().at(-1)).toBe('"alive"'))
  }

  describe('publishing', () => {
    const long = 'x'.repeat(256 * 1024 + 1)
    test.each([
      ['a response for another thing', responseTopic(THEIRS), '{}'],
      ['a request to itself', topicOf(MINE), '{}'],
      ['a request to another thing', topicOf(THEIRS), '{}'],
      ['an update of its own execution', updatedTopic(MINE), '{}'],
      ['a topic of its own', 'hello', '{}'],
      ['a topic of the broker', '$SYS/x', '{}'],
      ['a response of more than 256 KB', responseTopic(MINE), long],
      ['a response of many megabytes', responseTopic(MINE), long.repeat(8)],
    ])('refuses %s and disconnects the client', async (_what, topic, payload) => {
      const victim = await openDevice('theirs')
      const client = await openClient('mine')
      const closed = closing(client)
      client.publish(topic, payload, { qos: 1 }, () => {})
      await closed
      await expectAlive()
      expect(collected.texts()).toEqual(['"alive"'])
      expect(victim.received).toEqual([])
    })

    test('takes a response of 256 KB', async () => {
      const device = await openDevice('mine')
      await device.respond(MINE.executionId, 'x'.repeat(256 * 1024))
      await until(() => expect(collected.all).toHaveLength(1))
    })

    test('refuses a client that is registered nowhere', async () => {
      const client = await openClient('stranger')
      const closed = closing(client)
      client.publish(responseTopic(MINE), '{}', { qos: 1 }, () => {})
      await closed
      await expectAlive()
      expect(collected.texts()).toEqual(['"alive"'])
    })

    test('passes on a will for its own thing only', async () => {
      const will = { payload: Buffer.from('"will"'), qos: 1 as const, retain: true }
      const good = await openClient('mine', { will: { ...will, topic: responseTopic(MINE) } })
      good.stream.destroy()
      await until(() => expect(collected.texts()).toEqual(['"will"']))
      const bad = await openClient('mine', { will: { ...will, topic: responseTopic(THEIRS) } })
      bad.stream.destroy()
      await expectAlive()
      expect(collected.texts()).toEqual(['"will"', '"alive"'])
    })

    test('closes on a length that no packet may have before it is sent', async () => {
      const socket = connectTcp(broker.port, '127.0.0.1')
      socket.write(
        generate({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: 4,
          clientId: 'mine',
          clean: true,
          keepalive: 0,
        }),
      )
      await once(socket, 'data')
      const closed = once(socket, 'close')
      socket.on('error', () => {})
      // A PUBLISH of QoS 1 that announces 200 MB, in two pieces.
      socket.write(Buffer.from([0x32, 0x80]))
      socket.write(Buffer.from([0x80, 0x80, 0x64, 0, 1]))
      await closed
      await expectAlive()
    })
  })

  describe('subscribing', () => {
    test.each([
      ['every response', ALL_RESPONSES],
      ['its own responses', responseTopic(MINE)],
      ["another thing's requests", requestFilter('theirs')],
      ['one request of another thing', topicOf(THEIRS)],
      ['the requests of all', '$emqx/commands/things/+/executions/+/request'],
      ["another thing's updates", updatedFilter({ thingId: 'theirs' })],
      ['the updates of an execution of whichever thing', updatedFilter({ executionId: MINE.executionId })],
      ['the updates of all', ALL_UPDATES],
      ['everything', '#'],
      ['everything below its topics', '$emqx/commands/things/mine/#'],
      ['a share of its requests', `$share/g/${requestFilter('mine')}`],
      ['the broker', '$SYS/#'],
    ])('refuses %s', async (_what, filter) => {
      const client = await openClient('mine')
      await expect(client.subscribeAsync(filter, { qos: 1 })).rejects.toThrow('Subscribe error')
      expect(client.connected).toBe(true)
    })

    test('allows its requests, all or one, and QoS 0', async () => {
      const client = await openClient('mine')
      expect(await client.subscribeAsync(requestFilter('mine'), { qos: 1 })).toMatchObject([{ qos: 1 }])
      expect(await client.subscribeAsync(topicOf(MINE), { qos: 0 })).toMatchObject([{ qos: 0 }])
    })

    test('allows its updates, and brings those of its own thing', async () => {
      const [mine, theirs] = [newExecution('mine'), newExecution('theirs')]
      const client = await openClient('mine')
      const received: string[] = []
      client.on('message', (topic) => received.push(topic))
      gateway.announce([mine])
      await client.subscribeAsync(updatedFilter({ thingId: 'mine' }))
      gateway.announce([theirs, mine])
      await until(() => expect(received).toEqual([updatedTopic({ thingId: 'mine', executionId: mine.id })]))
      await client.subscribeAsync(requestFilter('mine'), { qos: 1 })
      await client.unsubscribeAsync(updatedFilter({ thingId: 'mine' }))
      expect(broker.link.hasFollowers()).toBe(false)
    })

    test('limits how many filters one client has', async () => {
      const client = await openClient('mine')
      const results = await Promise.allSettled(
        Array.from({ length: 120 }, () => client.subscribeAsync(topicOf(newRequest('mine')), { qos: 1 })),
      )
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(101)
    })

    test('keeps no denied filter for a session, though it came along with an allowed one', async () => {
      const first = await openClient('mine', { clean: false })
      await first.subscribeAsync([requestFilter('mine'), requestFilter('theirs')], { qos: 1 }).catch(() => {})
      await first.endAsync()
      expect(await broker.link.hasSubscriber(topicOf(THEIRS))).toBe(false)
      await gateway.publishRequest(newRequest('theirs'))
      const own = newRequest('mine')
      await gateway.publishRequest(own)
      const second = await openDevice('mine', { clean: false })
      await until(() => expect(second.received.length).toBeGreaterThan(0))
      expect(second.received.map(({ topic }) => topic)).toEqual([topicOf(own)])
    })
  })

  describe('connecting', () => {
    test('refuses the client id of the service, which stays connected', async () => {
      await expect(connectClient(url, { clientId: SERVICE, clean: false })).rejects.toThrow('Identifier rejected')
      expect(gateway.isAvailable()).toBe(true)
      await expectAlive()
    })

    test('refuses a client id of more than 128 characters', async () => {
      await expect(connectClient(url, { clientId: 'x'.repeat(129) })).rejects.toThrow('Identifier rejected')
    })

    test('refuses MQTT 5 with code 1', async () => {
      await expect(connectClient(url, { clientId: 'mine', protocolVersion: 5 })).rejects.toMatchObject({ code: 1 })
    })

    test('lets a client without an id in, and it may do nothing', async () => {
      const client = await openClient('')
      await expect(client.subscribeAsync(requestFilter('mine'))).rejects.toThrow('Subscribe error')
    })

    test('gives a stranger no session that outlives its connection', async () => {
      const first = await openClient('stranger', { clean: false })
      await first.subscribeAsync(requestFilter('mine')).catch(() => {})
      await first.endAsync()
      expect(await hasSession(url, 'stranger')).toBe(false)
    })

    test('refuses everybody whose things it cannot look up, and takes no session away', async () => {
      const first = await openDevice('mine', { clean: false })
      await first.client.endAsync()
      isDatabaseAway = true
      broker.refreshAccess()
      await expect(connectClient(url, { clientId: 'mine', clean: false })).rejects.toThrow('Server unavailable')
      isDatabaseAway = false
      expect(await hasSession(url, 'mine')).toBe(true)
    })
  })

  describe('a registry that changes', () => {
    test('lets a client act for a thing that it gets', async () => {
      const client = await openClient('newcomer')
      await expect(client.subscribeAsync(requestFilter('fresh'))).rejects.toThrow('Subscribe error')
      registry.set('newcomer', 'fresh')
      broker.refreshAccess()
      await client.subscribeAsync(requestFilter('fresh'), { qos: 1 })
    })

    test('disconnects a client from a thing that it lost', async () => {
      const device = await openDevice('mine')
      const closed = closing(device.client)
      registry.delete('mine')
      broker.refreshAccess()
      device.client.publish(responseTopic(MINE), '{}', { qos: 1 }, () => {})
      await closed
      expect(collected.all).toEqual([])
    })
  })

  describe('what it keeps', () => {
    test('hands the requests of a session over when its client is back, but none after its TTL', async () => {
      const first = await openDevice('mine', { clean: false })
      await first.client.endAsync()
      const expired = newRequest('mine', 1)
      const alive = newRequest('mine', 60)
      expect(await gateway.publishRequest(expired)).toEqual({ kind: 'confirmed', hasSubscriber: true })
      await gateway.publishRequest(alive)
      await until(() => expect(Date.now() / 1000).toBeGreaterThan(expired.message.timestamp + 1))
      const second = await openDevice('mine', { clean: false })
      await until(() => expect(second.received.length).toBeGreaterThan(0))
      await second.respond(alive.executionId, '"answer"')
      await until(() => expect(collected.all).toHaveLength(1))
      expect(second.received.map(({ topic }) => topic)).toEqual([topicOf(alive)])
    })

    test('hands over nothing expired to a client that is connected', async () => {
      const device = await openDevice('mine')
      const late = newRequest('mine', 1)
      late.message.timestamp -= 10
      await gateway.publishRequest(late)
      const fresh = newRequest('mine')
      await gateway.publishRequest(fresh)
      await until(() => expect(device.received.length).toBeGreaterThan(0))
      expect(device.received.map(({ topic }) => topic)).toEqual([topicOf(fresh)])
    })

    test('keeps at most 1,000 requests for a session', async () => {
      const first = await openDevice('mine', { clean: false })
      await first.client.endAsync()
      const requests = Array.from({ length: MAX_QUEUED_REQUESTS + 50 }, () => newRequest('mine'))
      for (const request of requests) await gateway.publishRequest(request)
      const second = await openDevice('mine', { clean: false })
      await until(() => expect(second.received).toHaveLength(MAX_QUEUED_REQUESTS))
      const fresh = newRequest('mine')
      await until(async () => expect(await gateway.publishRequest(fresh)).toMatchObject({ kind: 'confirmed' }))
      await until(() => expect(second.received.at(-1)?.topic).toBe(topicOf(fresh)))
      expect(second.received).toHaveLength(MAX_QUEUED_REQUESTS + 1)
    })

    test('marks what it delivers again, and forgets what was acknowledged', async () => {
      const silent = await openClient('mine', { clean: false })
      silent.handleMessage = (_packet, done) => done(new Error('not acknowledged'))
      const arrived = new Promise((resolve) => silent.once('message', resolve))
      await silent.subscribeAsync(requestFilter('mine'), { qos: 1 })
      await gateway.publishRequest(newRequest('mine'))
      await arrived
      await silent.endAsync(true)
      const second = await openDevice('mine', { clean: false })
      await until(() => expect(second.received).toMatchObject([{ dup: true }]))
      await second.client.endAsync()
      const third = await openDevice('mine', { clean: false })
      const fresh = newRequest('mine')
      await gateway.publishRequest(fresh)
      await until(() => expect(third.received.map(({ topic }) => topic)).toEqual([topicOf(fresh)]))
    })

    test('keeps responses from before the service is connected', async () => {
      await gateway.stop()
      const device = await openDevice('mine')
      device.post(MINE.executionId, '"early"')
      gateway = createGateway({ link: broker.link, log: createTestLog().log })
      await gateway.start(collected.handler)
      await until(() => expect(collected.texts()).toContain('"early"'))
    })

    test('makes devices wait until the service has committed, and loses nothing', async () => {
      await gateway.stop()
      let isAway = true
      let tries = 0
      gateway = createGateway({ link: broker.link, log: createTestLog().log })
      await gateway.start(async (responses) => {
        tries += 1
        if (isAway) throw new Error('no database')
        await collected.handler(responses)
      })
      const device = await openDevice('mine')
      let confirmed = 0
      const sending = Promise.all(
        Array.from({ length: 3000 }, async (_, index) => {
          await device.respond(MINE.executionId, String(index))
          confirmed += 1
        }),
      )
      await until(() => expect(tries).toBeGreaterThan(1))
      expect(confirmed).toBe(0)
      isAway = false
      await sending
      await until(() => expect(collected.all).toHaveLength(3000))
      expect(collected.texts()).toEqual(Array.from({ length: 3000 }, (_, index) => String(index)))
    })
  })

  describe('who is subscribed', () => {
    test('follows subscribing, unsubscribing and leaving', async () => {
      const topic = topicOf(MINE)
      expect(await broker.link.hasSubscriber(topic)).toBe(false)
      const client = await openClient('mine')
      await client.subscribeAsync(requestFilter('mine'), { qos: 1 })
      expect(await broker.link.hasSubscriber(topic)).toBe(true)
      await client.unsubscribeAsync(requestFilter('mine'))
      expect(await broker.link.hasSubscriber(topic)).toBe(false)
      await client.subscribeAsync(topic, { qos: 0 })
      expect(await broker.link.hasSubscriber(topic)).toBe(true)
      await client.endAsync()
      await until(async () => expect(await broker.link.hasSubscriber(topic)).toBe(false))
    })
  })

  describe('its doors', () => {
    test('takes the next port where its own is taken', async () => {
      const other = await startBroker({
        host: '127.0.0.1',
        port: broker.port,
        log: createTestLog().log,
        serviceClientId: SERVICE,
        lookUpClient: async () => undefined,
        isOpen: true,
      })
      endings.push(other.stop)
      expect(other.port).not.toBe(broker.port)
      const client = await connectClient(`mqtt://127.0.0.1:${other.port}`, { clientId: 'any' })
      await client.endAsync()
    })

    test('rejects where it cannot listen at all', async () => {
      const lookUpClient = async () => undefined
      const options = { port: 0, log: createTestLog().log, serviceClientId: SERVICE, lookUpClient, isOpen: true }
      await expect(startBroker({ host: '192.0.2.1', ...options })).rejects.toThrow('EADDRNOTAVAIL')
    })

    test('serves devices over WebSocket', async () => {
      const http = createHttpServer().listen(0, '127.0.0.1')
      await once(http, 'listening')
      const sockets = new WebSocketServer({ server: http })
      sockets.on('connection', (socket, request) => broker.handleWebSocket(socket, request))
      endings.push(() => http.close())
      const wsUrl = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/mqtt`
      const device = await connectDevice(wsUrl, 'mine')
      answerAll(device)
      expect(await gateway.publishRequest(MINE)).toEqual({ kind: 'confirmed', hasSubscriber: true })
      await until(() => expect(collected.all).toHaveLength(1))
      const closed = closing(device.client)
      device.client.publish(responseTopic(MINE), 'x'.repeat(300_000), { qos: 1 }, () => {})
      await closed
      await expectAlive()
    })

    test('survives bytes that are not MQTT', async () => {
      const socket = connectTcp(broker.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'close')
      await expectAlive()
    })

    test('closes everything when it stops', async () => {
      const idle = connectTcp(broker.port, '127.0.0.1')
      await once(idle, 'connect')
      const device = await openDevice('mine')
      const closed = Promise.all([once(idle, 'close'), closing(device.client)])
      idle.on('error', () => {})
      await gateway.stop()
      await broker.stop()
      await closed
      const again = createServer().listen(broker.port, '127.0.0.1')
      await once(again, 'listening')
      again.close()
    })
  })
})
