/** What the gateway does when the broker is old, away, silent, unwilling or back. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { Aedes } from 'aedes'
import { afterEach, describe, expect, test } from 'vitest'
import { startBroker } from '../../src/mqtt/broker.ts'
import { createGateway, type MqttGateway } from '../../src/mqtt/gateway.ts'
import { responseTopic } from '../../src/protocol/topics.ts'
import {
  answerAll,
  collectResponses,
  connectDevice,
  createTestLog,
  forgetSession,
  freePort,
  hasMosquittoBinary,
  type LogLine,
  MOSQUITTO_URL,
  newName,
  newRequest,
  startMosquitto,
  startWire,
  until,
} from './support.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

function newGateway(url: string, clientId = newName('gateway')): { gateway: MqttGateway; lines: LogLine[] } {
  const { log, lines } = createTestLog()
  const gateway = createGateway({ link: { kind: 'external', url, clientId }, log })
  endings.push(gateway.stop)
  return { gateway, lines }
}

/** A broker of MQTT 3.1.1 only, on a port of its own. */
async function startOldBroker(port: number) {
  const aedes = await Aedes.createBroker()
  const server = createServer((socket) => aedes.handle(socket)).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.close()
    await new Promise<void>((resolve) => aedes.close(resolve))
  }
  endings.push(stop)
  return { aedes, stop, url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const problems = (lines: LogLine[]) => lines.filter(({ problem }) => problem !== undefined)

describe('gateway on a broker of MQTT 3.1.1', () => {
  test('falls back where MQTT 5 is refused, and does not try it again', async () => {
    const { aedes, url } = await startOldBroker(0)
    const versions: (number | undefined)[] = []
    aedes.preConnect = (_client, packet, callback) => {
      versions.push(packet.protocolVersion)
      callback(null, true)
    }
    const { gateway, lines } = newGateway(url)
    const thingId = newName('thing')
    const collected = collectResponses()
    await gateway.start(collected.handler)
    expect(gateway.isAvailable()).toBe(true)
    expect(versions).toEqual([5, 4])
    const device = await connectDevice(url, thingId)
    endings.push(() => device.client.endAsync(true))
    answerAll(device)
    expect(await gateway.publishRequest(newRequest(thingId))).toEqual({ kind: 'confirmed', hasSubscriber: true })
    await until(() => expect(collected.all).toHaveLength(1))
    expect(problems(lines)).toHaveLength(0)
  })

  test('holds the broker back where too much is waiting, and loses nothing', async () => {
    const { url } = await startOldBroker(0)
    const { gateway } = newGateway(url)
    const collected = collectResponses()
    let batches = 0
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    await gateway.start(async (responses) => {
      batches += 1
      await gate
      await collected.handler(responses)
    })
    const device = await connectDevice(url, newName('thing'))
    endings.push(() => device.client.endAsync(true))
    const { executionId } = newRequest('thing')
    let confirmed = 0
    const sent = Array.from({ length: 5000 }, (_, index) => String(index))
    const sending = sent.map((text) => device.respond(executionId, text).then(() => confirmed++))
    await until(() => expect(confirmed).toBeGreaterThan(2000))
    expect(batches).toBe(1)
    open()
    await Promise.all(sending)
    await until(() => expect(collected.all).toHaveLength(sent.length))
    expect(collected.texts()).toEqual(sent)
  })

  test('falls back where MQTT 5 is only hung up on', async () => {
    const { aedes } = await startOldBroker(0)
    const server = createServer((socket) => {
      socket.once('data', (first) => {
        // The level of the protocol is the byte after its name (MQTT 3.1.1, 3.1.2.2).
        if (first[8] === 5) return socket.destroy()
        socket.pause()
        socket.unshift(first)
        aedes.handle(socket)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    endings.push(() => server.close())
    const { gateway, lines } = newGateway(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await gateway.start(async () => {})
    expect(gateway.isAvailable()).toBe(true)
    expect(problems(lines)).toHaveLength(0)
  })
})

describe('gateway without a broker', () => {
  test('starts, says why it is unavailable once, and is available when the broker comes', async () => {
    const port = await freePort()
    const { gateway, lines } = newGateway(`mqtt://127.0.0.1:${port}`)
    const started = performance.now()
    await gateway.start(async () => {})
    expect(performance.now() - started).toBeLessThan(4000)
    expect(gateway.isAvailable()).toBe(false)
    expect(gateway.problem()).toContain('ECONNREFUSED')
    expect(problems(lines)).toHaveLength(1)
    const outcome = await gateway.publishRequest(newRequest('thing'))
    expect(outcome).toMatchObject({ kind: 'unconfirmed', why: expect.stringContaining('ECONNREFUSED') })
    await startOldBroker(port)
    await until(() => expect(gateway.isAvailable()).toBe(true))
    expect(gateway.problem()).toBeUndefined()
    expect(problems(lines)).toHaveLength(1)
  })

  test('stops while it tries to connect', async () => {
    const { gateway } = newGateway(`mqtt://127.0.0.1:${await freePort()}`)
    const starting = gateway.start(async () => {})
    await until(() => expect(gateway.problem()).toContain('ECONNREFUSED'))
    await gateway.stop()
    await starting
    expect(gateway.problem()).toBe('stopped')
  })

  test('survives a URL that no client can use', async () => {
    const { gateway } = newGateway('mqtt://us%er:pw@127.0.0.1:1')
    const starting = gateway.start(async () => {})
    await until(() => expect(gateway.problem()).not.toBe('connecting'))
    await gateway.stop()
    await starting
  })
})

describe('gateway with a refusing broker', () => {
  test('says that the ACL has to allow the responses', async () => {
    const options = { host: '127.0.0.1', port: 0, log: createTestLog().log, serviceClientId: 'service' }
    const broker = await startBroker({ ...options, lookUpClient: async () => undefined, isOpen: true })
    endings.push(broker.stop)
    const { gateway, lines } = newGateway(`mqtt://127.0.0.1:${broker.port}`)
    const starting = gateway.start(async () => {})
    await until(() => expect(gateway.problem()).toContain('ACL'))
    expect(gateway.isAvailable()).toBe(false)
    expect(problems(lines)).toHaveLength(1)
    await gateway.stop()
    await starting
  })

  test('says that the login is wrong', async () => {
    const { aedes, url } = await startOldBroker(0)
    aedes.authenticate = (_client, _user, _password, callback) => callback(null, false)
    const { gateway } = newGateway(url)
    const starting = gateway.start(async () => {})
    await until(() => expect(gateway.problem()).toMatch(/login.*MQTT_URL/))
    await gateway.stop()
    await starting
  })
})

describe('gateway on a wire that breaks', () => {
  test('withdraws a request that nobody confirmed: nothing stale is delivered later', async () => {
    const { url } = await startOldBroker(0)
    const wire = await startWire(Number(new URL(url).port))
    endings.push(wire.stop)
    const { gateway, lines } = newGateway(`mqtt://127.0.0.1:${wire.port}`)
    await gateway.start(async () => {})
    const device = await connectDevice(url, newName('thing'))
    endings.push(() => device.client.endAsync(true))
    const thingId = String(device.client.options.clientId)

    wire.state.isSilent = true
    const stale = newRequest(thingId, 1)
    const other = gateway.publishRequest(newRequest(thingId, 60))
    const outcome = await gateway.publishRequest(stale)
    expect(outcome).toMatchObject({ kind: 'unconfirmed', why: expect.stringContaining('in time') })
    // The link is dead for whatever else was on it, too.
    expect(await other).toMatchObject({ kind: 'unconfirmed' })
    expect(wire.state.swallowed).toBeGreaterThan(0)
    wire.state.isSilent = false
    await until(() => expect(gateway.isAvailable()).toBe(true))
    const fresh = newRequest(thingId)
    expect(await gateway.publishRequest(fresh)).toMatchObject({ kind: 'confirmed' })
    await until(() => expect(device.received.length).toBeGreaterThan(0))
    expect(device.received.map(({ topic }) => topic.split('/')[5])).toEqual([fresh.executionId])
    expect(lines.filter(({ msg }) => msg.startsWith('cutting'))).toHaveLength(1)
  })

  test('withdraws what is unconfirmed when the connection breaks', async () => {
    const { url } = await startOldBroker(0)
    const wire = await startWire(Number(new URL(url).port))
    endings.push(wire.stop)
    const { gateway } = newGateway(`mqtt://127.0.0.1:${wire.port}`)
    await gateway.start(async () => {})
    const thingId = newName('thing')
    const device = await connectDevice(url, thingId)
    endings.push(() => device.client.endAsync(true))

    wire.state.isSilent = true
    const publishing = Promise.all([1, 2, 3].map(() => gateway.publishRequest(newRequest(thingId))))
    await until(() => expect(wire.state.swallowed).toBeGreaterThan(0))
    wire.cut()
    for (const outcome of await publishing) expect(outcome).toMatchObject({ kind: 'unconfirmed' })
    expect(gateway.isAvailable()).toBe(false)
    wire.state.isSilent = false
    await until(() => expect(gateway.isAvailable()).toBe(true))
    const fresh = newRequest(thingId)
    await gateway.publishRequest(fresh)
    await until(() => expect(device.received.length).toBeGreaterThan(0))
    expect(device.received.map(({ topic }) => topic.split('/')[5])).toEqual([fresh.executionId])
  })

  test('acknowledges nothing on a later connection, and loses nothing', async () => {
    const { url } = await startOldBroker(0)
    const wire = await startWire(Number(new URL(url).port))
    endings.push(wire.stop)
    const thingId = newName('thing')
    const collected = collectResponses()
    const { gateway } = newGateway(`mqtt://127.0.0.1:${wire.port}`)
    let commit = () => {}
    let batches = 0
    await gateway.start(async (responses) => {
      batches += 1
      if (batches === 1) {
        await new Promise<void>((resolve) => {
          commit = resolve
        })
      }
      await collected.handler(responses)
    })
    const device = await connectDevice(url, thingId)
    endings.push(() => device.client.endAsync(true))
    const { executionId } = newRequest(thingId)
    await device.respond(executionId, '"before"')
    await until(() => expect(batches).toBe(1))
    wire.cut()
    await until(() => expect(gateway.isAvailable()).toBe(false))
    await until(() => expect(gateway.isAvailable()).toBe(true))
    await device.respond(executionId, '"after"')
    commit()
    await until(() => expect(collected.texts()).toContain('"after"'))
    expect(collected.texts().filter((text) => text === '"before"').length).toBeGreaterThanOrEqual(2)
  })
})

describe.skipIf(!MOSQUITTO_URL)('gateway on Mosquitto', () => {
  test('sends the MQTT 5 properties of the contract', async () => {
    const clientId = newName('gateway')
    endings.push(() => forgetSession(MOSQUITTO_URL ?? '', clientId))
    const { gateway } = newGateway(MOSQUITTO_URL ?? '', clientId)
    await gateway.start(async () => {})
    const thingId = newName('thing')
    const device = await connectDevice(MOSQUITTO_URL ?? '', thingId, { protocolVersion: 5 })
    endings.push(() => device.client.endAsync(true))
    const request = { ...newRequest(thingId), ttlLeftMs: 12_900 }
    await gateway.publishRequest(request)
    await until(() => expect(device.received).toHaveLength(1))
    const [packet] = device.received
    expect(packet).toMatchObject({ qos: 1, retain: false })
    expect(packet?.properties).toMatchObject({
      messageExpiryInterval: 12,
      contentType: 'application/json',
      responseTopic: responseTopic(request),
      correlationData: Buffer.from(request.executionId),
    })
  })
})

describe.skipIf(!hasMosquittoBinary)('gateway on a Mosquitto of its own', () => {
  test('takes a PUBACK that is there by the deadline, though we were too busy to read it', async () => {
    const port = await freePort()
    const broker = await startMosquitto(port)
    endings.push(broker.stop)
    const { gateway } = newGateway(`mqtt://127.0.0.1:${port}`)
    await gateway.start(async () => {})
    const connections = gateway.connectionCount()
    const published = gateway.publishRequest({ ...newRequest(newName('thing')), ttlLeftMs: 200 })
    // It is written by then.
    await nextTurn()
    const busyUntil = performance.now() + 600
    while (performance.now() < busyUntil);
    expect(await published).toMatchObject({ kind: 'confirmed' })
    expect(gateway.isAvailable()).toBe(true)
    expect(gateway.connectionCount()).toBe(connections)
  })

  test('is unavailable when it is killed, available when it is back, and logs each once', async () => {
    const port = await freePort()
    const first = await startMosquitto(port)
    endings.push(first.stop)
    const thingId = newName('thing')
    const collected = collectResponses()
    const { gateway, lines } = newGateway(`mqtt://127.0.0.1:${port}`)
    await gateway.start(collected.handler)
    expect(gateway.isAvailable()).toBe(true)
    await first.stop()
    await until(() => expect(gateway.isAvailable()).toBe(false))
    await until(() => expect(gateway.problem()).toContain('ECONNREFUSED'))
    expect(await gateway.publishRequest(newRequest(thingId))).toMatchObject({ kind: 'unconfirmed' })
    const second = await startMosquitto(port)
    endings.push(second.stop)
    await until(() => expect(gateway.isAvailable()).toBe(true))
    const device = await connectDevice(`mqtt://127.0.0.1:${port}`, thingId)
    endings.push(() => device.client.endAsync(true))
    answerAll(device)
    expect(await gateway.publishRequest(newRequest(thingId))).toMatchObject({ kind: 'confirmed' })
    await until(() => expect(collected.all).toHaveLength(1))
    expect(device.received).toHaveLength(1)
    expect(lines.filter(({ msg }) => msg.startsWith('connected'))).toHaveLength(2)
    expect(problems(lines).length).toBeLessThanOrEqual(2)
  })

  test('comes back at once when the link is lost twice while responses wait for the database', async () => {
    const port = await freePort()
    const broker = await startMosquitto(port, ['allow_anonymous true', 'max_queued_messages 0'])
    endings.push(broker.stop)
    const wire = await startWire(port)
    endings.push(wire.stop)
    const collected = collectResponses()
    const { gateway } = newGateway(`mqtt://127.0.0.1:${wire.port}`)
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    endings.push(() => open())
    await gateway.start(async (responses) => {
      await gate
      await collected.handler(responses)
    })
    const device = await connectDevice(`mqtt://127.0.0.1:${port}`, newName('thing'))
    endings.push(() => device.client.endAsync(true))
    const { executionId } = newRequest('thing')
    const sent = Array.from({ length: 4000 }, (_, index) => String(index))
    await Promise.all(sent.map((text) => device.respond(executionId, text)))
    await until(() => expect(gateway.waitingResponses()).toBe(1000))
    for (let losses = 0; losses < 2; losses++) {
      const before = gateway.connectionCount()
      wire.cut()
      await until(() => expect(gateway.connectionCount()).toBe(before + 1))
    }
    // At most a batch on its way, and what this connection brought.
    expect(gateway.waitingResponses()).toBeLessThanOrEqual(1500)
    open()
    await until(() => expect(new Set(collected.texts()).size).toBe(sent.length))
  })

  test('says that the login is wrong', async () => {
    const port = await freePort()
    const broker = await startMosquitto(port, ['allow_anonymous false'])
    endings.push(broker.stop)
    const { gateway } = newGateway(`mqtt://127.0.0.1:${port}`)
    const starting = gateway.start(async () => {})
    await until(() => expect(gateway.problem()).toMatch(/login.*MQTT_URL/))
    await gateway.stop()
    await starting
  })

  test('is fast with one command at a time, so Nagle is off', async () => {
    const port = await freePort()
    const broker = await startMosquitto(port, ['allow_anonymous true', 'set_tcp_nodelay true'])
    endings.push(broker.stop)
    const url = `mqtt://127.0.0.1:${port}`
    const { gateway } = newGateway(url)
    let onAnswer = () => {}
    await gateway.start(async () => onAnswer())
    const thingId = newName('thing')
    const device = await connectDevice(url, thingId)
    endings.push(() => device.client.endAsync(true))
    answerAll(device)
    const started = performance.now()
    for (let count = 0; count < 30; count += 1) {
      const answer = new Promise<void>((resolve) => {
        onAnswer = resolve
      })
      await gateway.publishRequest(newRequest(thingId))
      await answer
      // So that our PUBACK and the next request are two segments, the second of which Nagle would hold back.
      await delay(2)
    }
    // With Nagle each but the first waits 40 ms for a delayed acknowledgement of TCP.
    expect(performance.now() - started).toBeLessThan(900)
  })

  test('drains 3,000 responses that waited in its session, in order', async () => {
    const port = await freePort()
    const broker = await startMosquitto(port, ['allow_anonymous true', 'max_queued_messages 10000'])
    endings.push(broker.stop)
    const url = `mqtt://127.0.0.1:${port}`
    const clientId = newName('gateway')
    const first = newGateway(url, clientId)
    await first.gateway.start(async () => {})
    await first.gateway.stop()
    const device = await connectDevice(url, newName('thing'))
    endings.push(() => device.client.endAsync(true))
    const { executionId } = newRequest('thing')
    const sent = Array.from({ length: 3000 }, (_, index) => String(index))
    await Promise.all(sent.map((text) => device.respond(executionId, text)))
    const collected = collectResponses()
    const second = newGateway(url, clientId)
    await second.gateway.start(collected.handler)
    await until(() => expect(collected.all).toHaveLength(sent.length))
    expect(collected.texts()).toEqual(sent)
  })

  test('says that another client has its client id', async () => {
    const port = await freePort()
    const broker = await startMosquitto(port)
    endings.push(broker.stop)
    const clientId = newName('gateway')
    const one = newGateway(`mqtt://127.0.0.1:${port}`, clientId)
    await one.gateway.start(async () => {})
    const two = newGateway(`mqtt://127.0.0.1:${port}`, clientId)
    await two.gateway.start(async () => {})
    const found = () => [one.gateway.problem(), two.gateway.problem()].join()
    await until(() => expect(found()).toContain('MQTT_CLIENT_ID'), 12_000)
  }, 15_000)
})
