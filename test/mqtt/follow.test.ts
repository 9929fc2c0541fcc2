/** What a replica hears of the others: subscriptions, and the messages under them. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Aedes, type PublishPacket } from 'aedes'
import type { Packet } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import type { Execution } from '../../src/domain/execution.ts'
import { createGateway, type MqttGateway } from '../../src/mqtt/gateway.ts'
import { ALL_UPDATES, updatedFilter, updatedTopic } from '../../src/protocol/topics.ts'
import { newExecution } from '../support/execution.ts'
import { startMqttProxy } from '../support/mqtt-proxy.ts'
import { createTestLog, forgetSession, type LogLine, MOSQUITTO_URL, newName, startWire, until } from './support.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** A broker of MQTT 3.1.1, and what it was sent. */
async function startAedes() {
  const aedes = await Aedes.createBroker()
  const subscribed: string[][] = []
  const unsubscribed: string[][] = []
  const published: PublishPacket[] = []
  aedes.on('subscribe', (subscriptions) => subscribed.push(subscriptions.map(({ topic }) => topic)))
  aedes.on('unsubscribe', (topics) => unsubscribed.push(topics))
  aedes.on('publish', (packet, client) => client && published.push(packet))
  const server = createServer((socket) => aedes.handle(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  endings.push(async () => {
    server.close()
    await new Promise<void>((resolve) => aedes.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { aedes, subscribed, unsubscribed, published, port, url: `mqtt://127.0.0.1:${port}` }
}

interface Replica {
  gateway: MqttGateway
  lines: LogLine[]
  heard: Execution[]
  missed: { times: number }
}

async function startReplica(
  url: string,
  { clientId = newName('replica'), deployment = 'ours' } = {},
): Promise<Replica> {
  const { log, lines } = createTestLog()
  const gateway = createGateway({ link: { kind: 'external', url, clientId }, log, deployment })
  endings.push(gateway.stop)
  const heard: Execution[] = []
  const missed = { times: 0 }
  const onMissed = () => {
    missed.times += 1
  }
  await gateway.start(async () => {}, { onUpdated: (execution) => heard.push(execution), onMissed })
  expect(gateway.isAvailable()).toBe(true)
  return { gateway, lines, heard, missed }
}

describe('what one replica announces', () => {
  test('another one that follows it hears, as it was', async () => {
    const { url, published } = await startAedes()
    const [one, other] = [await startReplica(url), await startReplica(url)]
    await other.gateway.follow({}).ready
    const open = { status: 'SENT', reasonCode: null, result: null, settledAt: null, settledBy: null } as const
    const executions = [newExecution(), newExecution({ ...open, requestedBy: null }), newExecution({ thingType: null })]
    one.gateway.announce(executions)
    await until(() => expect(other.heard).toEqual(executions))
    expect(published.filter(({ topic }) => topic.endsWith('/updated'))).toMatchObject(
      executions.map(({ id, thingId }) => ({
        topic: updatedTopic({ thingId, executionId: id }),
        qos: 0,
        retain: false,
      })),
    )
  })

  test('itself, whoever does not follow it, and another deployment do not hear', async () => {
    const { url } = await startAedes()
    const [one, other] = [await startReplica(url), await startReplica(url)]
    const stranger = await startReplica(url, { deployment: 'theirs' })
    const mine = newExecution()
    const scopes = [{}, { thingIds: ['another'] }, {}]
    await Promise.all([one, other, stranger].map(({ gateway }, n) => gateway.follow(scopes[n] ?? {}).ready))
    await other.gateway.follow({ executionId: mine.id }).ready
    one.gateway.announce([newExecution(), mine])
    await until(() => expect(other.heard).toEqual([mine]))
    expect(one.heard).toEqual([])
    expect(stranger.heard).toEqual([])
  })

  test('is left out where it is bigger than a message may be', async () => {
    const { url } = await startAedes()
    const [one, other] = [await startReplica(url), await startReplica(url)]
    await other.gateway.follow({}).ready
    const last = newExecution()
    one.gateway.announce([newExecution({ result: 'é'.repeat(140_000) }), last])
    await until(() => expect(other.heard).toEqual([last]))
    expect(one.lines.filter(({ msg }) => msg.includes('not announced'))).toHaveLength(1)
  })

  test('is left out where the broker takes nothing, and costs bounded memory', async () => {
    const { port } = await startAedes()
    const wire = await startWire(port)
    endings.push(wire.stop)
    const one = await startReplica(`mqtt://127.0.0.1:${wire.port}`)
    wire.pause()
    const big = newExecution({ result: 'x'.repeat(100_000) })
    const before = process.memoryUsage().rss
    for (let n = 0; n < 2_000; n++) {
      one.gateway.announce([big])
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(one.lines.filter(({ msg }) => msg.includes('not announced')).length).toBeGreaterThan(0)
    expect((process.memoryUsage().rss - before) / 1024 / 1024).toBeLessThan(150)
  })
})

describe('what a replica asks for', () => {
  test('is in one packet where it is asked for at once, and each once', async () => {
    const { url, subscribed } = await startAedes()
    const { gateway, missed } = await startReplica(url)
    const ids = Array.from({ length: 30 }, () => randomUUID())
    const following = [...ids, ...ids].map((executionId) => gateway.follow({ executionId }))
    await Promise.all(following.map(({ ready }) => ready))
    expect(subscribed.slice(1)).toEqual([ids.map((executionId) => updatedFilter({ executionId }))])
    // Whoever follows one execution reads it by itself.
    expect(missed.times).toBe(0)
    await gateway.follow({ thingIds: ['a', 'b', 'a', 'no/thing'] }).ready
    expect(subscribed.at(-1)).toEqual([updatedFilter({ thingId: 'a' }), updatedFilter({ thingId: 'b' })])
    expect(missed.times).toBe(1)
  })

  test('is in packets of 500, each of which is answered before the next', async () => {
    const { url, subscribed } = await startAedes()
    const { gateway } = await startReplica(url)
    const following = Array.from({ length: 1_200 }, () => gateway.follow({ executionId: randomUUID() }))
    await Promise.all(following.map(({ ready }) => ready))
    expect(subscribed.slice(1).map(({ length }) => length)).toEqual([500, 500, 200])
  })

  test('ends when the last of those who asked for it is gone, and not twice', async () => {
    const { url, unsubscribed } = await startAedes()
    const { gateway } = await startReplica(url)
    const [first, second] = [gateway.follow({ thingIds: ['a'] }), gateway.follow({ thingIds: ['a'] })]
    await Promise.all([first.ready, second.ready])
    first.stop()
    first.stop()
    await gateway.follow({ thingIds: ['b'] }).ready
    expect(unsubscribed).toEqual([])
    second.stop()
    await until(() => expect(unsubscribed).toEqual([[updatedFilter({ thingId: 'a' })]]))
  })

  test('is never sent where it is over before its turn', async () => {
    const { url, subscribed, unsubscribed } = await startAedes()
    const { gateway } = await startReplica(url)
    for (let n = 0; n < 10; n++) gateway.follow({ executionId: randomUUID() }).stop()
    await gateway.follow({ thingIds: ['a'] }).ready
    expect(subscribed.slice(1)).toEqual([[updatedFilter({ thingId: 'a' })]])
    expect(unsubscribed).toEqual([])
  })

  test('is everything where it is too many things to name, and nothing where nothing can have that name', async () => {
    const { url, subscribed } = await startAedes()
    const { gateway } = await startReplica(url)
    await gateway.follow({ thingIds: [] }).ready
    await gateway.follow({ executionId: 'no/id' }).ready
    await gateway.follow({ thingIds: Array.from({ length: 101 }, (_, n) => `t${n}`) }).ready
    expect(subscribed.slice(1)).toEqual([[ALL_UPDATES]])
  })

  test('is asked for again after a broken connection, without what is over meanwhile, and what was missed is looked for', async () => {
    const { port, subscribed, unsubscribed } = await startAedes()
    const wire = await startWire(port)
    endings.push(wire.stop)
    const { gateway, missed } = await startReplica(`mqtt://127.0.0.1:${wire.port}`)
    const executionId = randomUUID()
    const [over] = [gateway.follow({ thingIds: ['over'] }), gateway.follow({ executionId })]
    await until(() => expect(subscribed).toHaveLength(2))
    await until(() => expect(missed.times).toBe(1))
    wire.cut()
    await until(() => expect(gateway.isAvailable()).toBe(false))
    over?.stop()
    // Without a link there is nothing to wait for.
    await gateway.follow({ thingIds: ['new'] }).ready
    await until(() => expect(gateway.isAvailable()).toBe(true))
    const wanted = [updatedFilter({ executionId }), updatedFilter({ thingId: 'new' })]
    await until(() => expect(subscribed.at(-1)?.toSorted()).toEqual(wanted.toSorted()))
    await until(() => expect(unsubscribed).toEqual([[updatedFilter({ thingId: 'over' })]]))
    await until(() => expect(missed.times).toBe(2))
  })

  test('is told in the log once where the broker refuses it, and nobody waits for it', async () => {
    const { aedes, url } = await startAedes()
    aedes.authorizeSubscribe = (_client, subscription, callback) =>
      callback(null, subscription.topic.endsWith('/updated') ? null : subscription)
    const { gateway, lines } = await startReplica(url)
    await Promise.all(
      [{}, { thingIds: ['a'] }, { executionId: randomUUID() }].map((scope) => gateway.follow(scope).ready),
    )
    await gateway.follow({ thingIds: ['b'] }).ready
    expect(lines.filter(({ msg }) => msg.includes('are refused'))).toMatchObject([
      { why: expect.stringContaining('ACL') },
    ])
    expect(gateway.isAvailable()).toBe(true)
  })

  test('is not waited for where the broker is silent', async () => {
    const { port } = await startAedes()
    const wire = await startWire(port)
    endings.push(wire.stop)
    const { gateway } = await startReplica(`mqtt://127.0.0.1:${wire.port}`)
    wire.state.isSilent = true
    const started = performance.now()
    await gateway.follow({ thingIds: ['a'] }).ready
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('messages on the topic of an update', () => {
  test('that are none, or of another execution than their topic, are ignored, and said so rarely', async () => {
    const { aedes, url } = await startAedes()
    const { gateway, lines, heard } = await startReplica(url)
    await gateway.follow({}).ready
    const mine = newExecution()
    const beginning = '{"deployment":"ours","replica":"other"'
    const payloads = [
      ...[
        '',
        'x',
        '{}',
        '[]',
        'null',
        beginning,
        `${beginning}}`,
        '\u0000',
        `${beginning},"executionId":"${mine.id}"}`,
      ],
      `${beginning},"executionId":"${randomUUID()}","thingId":"thing"}`,
    ]
    const topic = updatedTopic({ thingId: 'thing', executionId: mine.id })
    const publish = (payload: string, to = topic) =>
      new Promise<void>((resolve, reject) =>
        aedes.publish({ cmd: 'publish', topic: to, payload, qos: 0, retain: false, dup: false }, (error) =>
          error ? reject(error) : resolve(),
        ),
      )
    for (const payload of payloads) await publish(payload)
    await publish('{}', '$emqx/commands/things/a b/executions/x/updated')
    const other = await startReplica(url)
    other.gateway.announce([mine])
    await until(() => expect(heard).toEqual([mine]))
    expect(lines.filter(({ msg }) => msg.includes('no update')).length).toBeGreaterThan(0)
    expect(lines.filter(({ msg }) => msg.includes('no update')).length).toBeLessThan(4)
  })
})

describe.skipIf(!MOSQUITTO_URL)('a session that a killed process has left at Mosquitto', () => {
  test('gets rid of the subscriptions that nobody has any more', async () => {
    const clientId = newName('replica')
    endings.push(() => forgetSession(MOSQUITTO_URL ?? '', clientId))
    const wire = await startMqttProxy(MOSQUITTO_URL ?? '')
    endings.push(wire.stop)
    const killed = await startReplica(wire.url, { clientId })
    await killed.gateway.follow({}).ready
    wire.cut()
    await until(() => expect(killed.gateway.isAvailable()).toBe(false))

    const unsubscribed: string[] = []
    const watch = (packet: Packet) => {
      if (packet.cmd === 'unsubscribe') unsubscribed.push(...packet.unsubscriptions)
      return packet
    }
    const observed = await startMqttProxy(MOSQUITTO_URL ?? '', watch)
    endings.push(observed.stop)
    await startReplica(observed.url, { clientId })
    const other = await startReplica(MOSQUITTO_URL ?? '')
    const execution = newExecution()
    other.gateway.announce([execution])
    await until(() => expect(unsubscribed).toContain(ALL_UPDATES))
  })
})
