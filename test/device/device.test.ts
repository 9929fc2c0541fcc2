import { describe, expect, it, onTestFinished } from 'vitest'
import { startDevice } from '../../src/device/device.ts'
import { requestTopic, responseTopic } from '../../src/protocol/topics.ts'
import { playService, recordEvents, runDevice, startBroker, uniqueThing } from './support.ts'

const mosquittoUrl = process.env.MQTT_URL
if (!mosquittoUrl) console.warn('MQTT_URL is not set: the device was not tried against an MQTT 5 broker')

const brokers = [
  { name: 'aedes (MQTT 3.1.1)', protocol: '3.1.1', connect: async () => (await startBroker()).url, skip: false },
  { name: 'MQTT_URL (MQTT 5)', protocol: '5', connect: async () => mosquittoUrl ?? '', skip: !mosquittoUrl },
]

for (const { name, protocol, connect, skip } of brokers) {
  describe.skipIf(skip)(`the reference device on ${name}`, () => {
    async function start(options: Partial<Parameters<typeof runDevice>[0]> = {}) {
      const thingId = uniqueThing()
      const url = await connect()
      const events = recordEvents()
      const service = await playService(url, thingId)
      const device = await runDevice({ thingId, url, onEvent: events.onEvent, ...options })
      return { thingId, url, events, service, device }
    }

    it('acts and answers on the response topic, QoS 1, not retained', async () => {
      const { thingId, service, events } = await start()
      const executionId = await service.send(thingId)
      const answer = await service.answers.find(() => true)
      expect(answer).toMatchObject({ topic: responseTopic({ thingId, executionId }), qos: 1, retain: false })
      expect(JSON.parse(answer.payload)).toMatchObject({ status: 'SUCCEEDED', result: { currentTemperature: 24 } })
      await events.nth('answered')
      expect(events.kinds()).toEqual(['connected', 'request', 'answered'])
      expect(await events.nth('connected')).toMatchObject({ thingId, clientId: thingId, protocol })
    })

    it('does not act on an expired request, and says so', async () => {
      const { thingId, service, events } = await start()
      const executionId = await service.send(thingId, { timestamp: Math.floor(Date.now() / 1000) - 31 })
      const expired = await events.nth('expired')
      expect(expired.executionId).toBe(executionId)
      expect(expired.secondsLate).toBeGreaterThanOrEqual(1)
      await service.send(thingId)
      await service.answers.find(() => true)
      expect(service.answers.entries).toHaveLength(1)
    })

    it('answers a repeated request from memory, without acting again', async () => {
      let acted = 0
      const act = async () => ({ status: 'SUCCEEDED' as const, result: ++acted })
      const { thingId, service, events } = await start({ act })
      const executionId = await service.send(thingId)
      await events.nth('answered')
      await service.send(thingId, { executionId })
      expect(await events.nth('answered', 2)).toMatchObject({ executionId, fromMemory: true })
      await service.answers.find(() => service.answers.entries.length === 2)
      expect(acted).toBe(1)
      expect(service.answers.entries[1]?.payload).toBe(service.answers.entries[0]?.payload)
    })

    it('does not act twice when the request comes again while it acts', async () => {
      let acted = 0
      const gate = withResolvers()
      const act = async () => {
        acted += 1
        await gate.promise
        return { status: 'SUCCEEDED' as const }
      }
      const { thingId, service, events } = await start({ act })
      const executionId = await service.send(thingId)
      await events.nth('request')
      await service.send(thingId, { executionId })
      expect(await events.nth('repeated')).toMatchObject({ executionId, remembered: 'acting' })
      gate.resolve()
      await events.nth('answered')
      await service.send(thingId)
      await events.nth('answered', 2)
      expect(acted).toBe(2)
      expect(events.all('answered')).toHaveLength(2)
    })

    it('stays silent when told to, the second time too', async () => {
      const { thingId, service, events } = await start({ act: async () => 'silent' })
      const executionId = await service.send(thingId)
      await events.nth('request')
      await service.send(thingId, { executionId })
      expect(await events.nth('repeated')).toMatchObject({ remembered: 'silent' })
      expect(service.answers.entries).toEqual([])
    })

    it('answers FAILED when its code throws or answers nonsense', async () => {
      const act = async ({ action }: { action: string }) => {
        if (action === 'throw') throw new Error('sensor gone \0')
        return { status: 'SUCCEEDED' as const, reason: { code: 'not a code' } }
      }
      const { thingId, service, events } = await start({ act })
      await service.send(thingId, { action: 'throw' })
      expect(JSON.parse((await events.nth('answered')).payload)).toMatchObject({
        status: 'FAILED',
        reason: { code: 'DEVICE_ERROR', message: 'sensor gone \ufffd' },
      })
      await service.send(thingId, { action: 'nonsense' })
      expect(JSON.parse((await events.nth('answered', 2)).payload).reason.code).toBe('RESPONSE_INVALID')
      expect((await events.nth('error')).message).toContain('reason.code')
    })

    it('ignores what is no request', async () => {
      const { thingId, service, events } = await start()
      const topic = requestTopic({ thingId, executionId: '01890000-0000-7000-8000-000000000001' })
      for (const payload of [
        '',
        'no json',
        '{}',
        '[]',
        'null',
        '{"commandId":"c","action":"a","params":[],"timestamp":1,"ttl":1}',
      ]) {
        await service.client.publishAsync(topic, payload, { qos: 1 })
      }
      await service.client.publishAsync(topic.replace(/01890000/, 'NOTANID0'), '{}', { qos: 1 })
      await events.nth('error', 7)
      await service.send(thingId)
      await events.nth('answered')
      expect(service.answers.entries.length).toBeLessThanOrEqual(1)
    })

    it('gets a request that was published while it was away', async () => {
      const { thingId, url, service, device } = await start()
      await device.stop()
      const executionId = await service.send(thingId)
      const events = recordEvents()
      await runDevice({ thingId, url, onEvent: events.onEvent })
      expect(await events.nth('answered')).toMatchObject({ executionId })
      expect(await events.nth('connected')).toMatchObject({ sessionPresent: true })
    })

    it('drops what it is acting on when it is stopped', async () => {
      const { thingId, service, events, device } = await start({ latencyMs: 60_000 })
      await service.send(thingId)
      await events.nth('request')
      await device.stop()
      await device.stop()
      expect(events.kinds()).toEqual(['connected', 'request'])
    })
  })
}

describe('a device whose link breaks', () => {
  it('comes back by itself and sends what it has answered meanwhile, telling of each outage once', async () => {
    const first = await startBroker()
    const thingId = uniqueThing()
    const events = recordEvents()
    const gate = withResolvers()
    const act = async () => {
      await gate.promise
      return { status: 'SUCCEEDED' as const }
    }
    const service = await playService(first.url, thingId)
    await runDevice({ thingId, url: first.url, onEvent: events.onEvent, act })
    const executionId = await service.send(thingId)
    await events.nth('request')
    await first.stop()
    await events.nth('disconnected')
    gate.resolve()
    await startBroker({}, Number(new URL(first.url).port))
    expect(await events.nth('answered')).toMatchObject({ executionId })
    await events.nth('connected', 2)
    expect(new Set(events.all('disconnected').map(({ why }) => why)).size).toBe(events.all('disconnected').length)
  })

  it('waits for a broker that is not there yet', async () => {
    const gone = await startBroker()
    await gone.stop()
    const events = recordEvents()
    const starting = runDevice({ thingId: 'early', url: gone.url, onEvent: events.onEvent })
    expect((await events.nth('disconnected')).why).toContain('ECONNREFUSED')
    await startBroker({}, Number(new URL(gone.url).port))
    await starting
    expect(events.kinds().at(-1)).toBe('connected')
  })

  it('can be stopped while it waits', async () => {
    const gone = await startBroker()
    await gone.stop()
    const events = recordEvents()
    const stopper = new AbortController()
    const starting = startDevice({
      thingId: 'early',
      url: gone.url,
      onEvent: events.onEvent,
      signal: stopper.signal,
      reconnectMs: 5,
    })
    const failed = expect(starting).rejects.toThrow('enough')
    await events.nth('disconnected')
    stopper.abort(new Error('enough'))
    await failed
    const { length } = events.kinds()
    await startBroker({}, Number(new URL(gone.url).port))
    expect(events.kinds()).toHaveLength(length)
  })

  it('gives up a response that the broker answers by cutting the link', async () => {
    const broker = await startBroker({
      authorizePublish: (client, packet, done) =>
        done(client?.id === 'cut' && packet.topic.endsWith('/response') ? new Error('no') : null),
    })
    const events = recordEvents()
    const service = await playService(broker.url, 'cut')
    await runDevice({ thingId: 'cut', url: broker.url, onEvent: events.onEvent })
    await service.send('cut')
    expect(await events.nth('refused')).toMatchObject({
      what: 'response',
      advice: expect.stringContaining('/response'),
    })
    await events.nth('connected', 2)
    expect(broker.sockets.size).toBe(2)
  })
})

describe('a device that is refused', () => {
  it('says what to do when it may not subscribe', async () => {
    const broker = await startBroker({ authorizeSubscribe: (_client, _subscription, callback) => callback(null, null) })
    const events = recordEvents()
    const starting = startDevice({ thingId: 'unknown', url: broker.url, clientId: 'c-1', onEvent: events.onEvent })
    await expect(starting).rejects.toThrow(/refused the subscription.*register the thing with the client id c-1/)
    expect(await events.nth('refused')).toMatchObject({
      what: 'subscription',
      advice: expect.stringContaining('things/unknown/'),
    })
    expect(events.kinds()).toEqual(['refused'])
  })

  it('says what to do when its credentials are wrong, and never shows them', async () => {
    const broker = await startBroker({
      authenticate: (_client, name, password, done) => {
        if (name === 'me' && password?.toString() === 's3cret') return done(null, true)
        done(Object.assign(new Error('who are you'), { returnCode: 4 }), null)
      },
    })
    const events = recordEvents()
    const url = broker.url.replace('//', '//me:wr0ng@')
    await expect(startDevice({ thingId: 't', url, onEvent: events.onEvent })).rejects.toThrow(
      /check the username and the password/,
    )
    expect(JSON.stringify(events.all('refused'))).not.toContain('wr0ng')
    expect(events.kinds()).toEqual(['refused'])
    await runDevice({ thingId: 't', url: broker.url, username: 'me', password: 's3cret' })
    const device = await startDevice({
      thingId: 't2',
      url: broker.url.replace('//', '//me:s3cret@'),
      onEvent: events.onEvent,
    })
    onTestFinished(() => device.stop())
    expect(JSON.stringify(events.all('connected'))).not.toContain('s3cret')
  })

  it('tries again when it was let in once', async () => {
    let isAllowed = true
    const broker = await startBroker({
      authorizeSubscribe: (_client, subscription, callback) => callback(null, isAllowed ? subscription : null),
    })
    const events = recordEvents()
    await runDevice({ thingId: 't', url: broker.url, onEvent: events.onEvent })
    isAllowed = false
    for (const socket of broker.sockets) socket.destroy()
    await events.nth('refused')
    isAllowed = true
    await events.nth('connected', 2)
    expect(events.kinds()).toEqual(['connected', 'disconnected', 'refused', 'connected'])
  })

  it.each([
    [{ thingId: 'a/b' }, /not a thing id/],
    [{ url: 'http://127.0.0.1' }, /broker URL: expected/],
    [{ url: 'nonsense' }, /broker URL: expected/],
    [{ failRate: 1.1 }, /fail rate: got 1.1, expected a number from 0 to 1/],
    [{ rejectRate: -1 }, /reject rate: got -1/],
    [{ latencyMs: Number.NaN }, /latency: got NaN/],
  ])('refuses the option %j', async (options, problem) => {
    await expect(startDevice({ thingId: 't', url: 'mqtt://127.0.0.1:1', ...options })).rejects.toThrow(problem)
  })
})

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers() {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
