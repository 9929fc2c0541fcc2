/** One behaviour of the gateway, on the embedded broker and on Mosquitto. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { IncomingResponse } from '../../src/domain/ports.ts'
import { startBroker } from '../../src/mqtt/broker.ts'
import { createGateway, type MqttGateway } from '../../src/mqtt/gateway.ts'
import type { BrokerLink } from '../../src/mqtt/link.ts'
import {
  answerAll,
  collectResponses,
  connectDevice,
  createTestLog,
  forgetSession,
  MOSQUITTO_URL,
  newName,
  newRequest,
  topicOf,
  until,
} from './support.ts'

interface Place {
  url: string
  linkFor: (clientId: string) => BrokerLink
  /** More than this may be lost while nobody takes them: Mosquitto drops what is over 1,000 unless configured. */
  maxWaiting: number
  stop: () => Promise<void>
}

const SERVICE = newName('service')

/** What comes in the moment of connecting may come twice, live and from the session: at least once is what QoS 1 promises. */
const distinct = (texts: string[]): string[] => [...new Set(texts)]

const openEmbedded = async (): Promise<Place> => {
  const { log } = createTestLog()
  const lookUpClient = async (clientId: string) => ({ thingId: clientId, secretHash: null })
  const options = { host: '127.0.0.1', port: 0, log, serviceClientId: SERVICE, isOpen: true }
  const broker = await startBroker({ ...options, lookUpClient })
  return { url: `mqtt://127.0.0.1:${broker.port}`, linkFor: () => broker.link, maxWaiting: 3000, stop: broker.stop }
}

const openMosquitto = async (): Promise<Place> => {
  const url = MOSQUITTO_URL ?? ''
  const clientIds = new Set<string>()
  return {
    url,
    maxWaiting: 900,
    linkFor(clientId) {
      clientIds.add(clientId)
      return { kind: 'external', url, clientId }
    },
    async stop() {
      await Promise.all([...clientIds].map((clientId) => forgetSession(url, clientId)))
    },
  }
}

const PLACES = [
  { name: 'embedded', open: openEmbedded, isMissing: false },
  { name: 'Mosquitto', open: openMosquitto, isMissing: !MOSQUITTO_URL },
]

for (const { name, open, isMissing } of PLACES) {
  describe.skipIf(isMissing)(`gateway on ${name}`, () => {
    const endings: (() => unknown)[] = []
    afterEach(async () => {
      for (const end of endings.splice(0).reverse()) await end()
    })

    async function openPlace(): Promise<Place> {
      const place = await open()
      endings.push(place.stop)
      return place
    }

    function newGateway(place: Place, clientId: string): MqttGateway {
      const gateway = createGateway({ link: place.linkFor(clientId), log: createTestLog().log })
      endings.push(gateway.stop)
      return gateway
    }

    async function newDevice(place: Place, thingId: string) {
      const device = await connectDevice(place.url, thingId)
      endings.push(() => device.client.endAsync(true))
      return device
    }

    /** Only those of one thing: the shared Mosquitto has others. */
    const collectOf = (thingId: string) => collectResponses(({ topic }) => topic.includes(`/${thingId}/`))

    test('takes a request to the device and its response back', async () => {
      const place = await openPlace()
      const thingId = newName('thing')
      const collected = collectOf(thingId)
      const gateway = newGateway(place, newName('gateway'))
      expect(gateway.isAvailable()).toBe(false)
      expect(gateway.problem()).toBeDefined()
      await gateway.start(collected.handler)
      expect(gateway.isAvailable()).toBe(true)
      expect(gateway.problem()).toBeUndefined()
      const device = await newDevice(place, thingId)
      answerAll(device)

      const request = newRequest(thingId)
      expect(await gateway.publishRequest(request)).toEqual({ kind: 'confirmed', hasSubscriber: true })
      await until(() => expect(collected.all).toHaveLength(1))
      expect(collected.all[0]).toMatchObject({ redelivered: false })
      expect(JSON.parse(collected.texts()[0] ?? '')).toEqual({ status: 'SUCCEEDED', result: request.executionId })
      const [received] = device.received
      expect(received).toMatchObject({ topic: topicOf(request), qos: 1, retain: false })
      expect(JSON.parse(String(received?.payload))).toEqual(request.message)
    })

    test('says that nobody is subscribed', async () => {
      const place = await openPlace()
      const gateway = newGateway(place, newName('gateway'))
      await gateway.start(async () => {})
      expect(await gateway.publishRequest(newRequest(newName('nobody')))).toEqual({
        kind: 'confirmed',
        hasSubscriber: false,
      })
    })

    test('acknowledges a response only once it is committed', async () => {
      const place = await openPlace()
      const thingId = newName('thing')
      const clientId = newName('gateway')
      const seen: IncomingResponse[] = []
      const first = newGateway(place, clientId)
      await first.start(async (responses) => {
        seen.push(...responses.filter(({ topic }) => topic.includes(`/${thingId}/`)))
        throw new Error('no database')
      })
      const device = await newDevice(place, thingId)
      const { executionId } = newRequest(thingId)
      device.post(executionId, '{"status":"SUCCEEDED"}')
      await until(() => expect(seen.length).toBeGreaterThan(1))
      await first.stop()
      expect(seen.every(({ redelivered }) => !redelivered)).toBe(true)

      const collected = collectOf(thingId)
      const second = newGateway(place, clientId)
      await second.start(collected.handler)
      await until(() => expect(collected.all).toHaveLength(1))
      expect(collected.all[0]).toMatchObject({ redelivered: true })
      await second.stop()

      // Once acknowledged, it does not come back.
      const afterwards = collectOf(thingId)
      const third = newGateway(place, clientId)
      await third.start(afterwards.handler)
      await device.respond(executionId, '"later"')
      await until(() => expect(afterwards.all.length).toBeGreaterThan(0))
      expect(afterwards.texts()).toEqual(['"later"'])
    })

    test('finishes the batch on its way when it stops', async () => {
      const place = await openPlace()
      const thingId = newName('thing')
      const clientId = newName('gateway')
      let commit = () => {}
      let begun = 0
      const first = newGateway(place, clientId)
      await first.start(async (responses) => {
        // A gateway hears the things of every test on a shared broker: theirs must not be taken for the batch on its way.
        if (!responses.some(({ topic }) => topic.includes(`/${thingId}/`))) return
        begun += 1
        await new Promise<void>((resolve) => {
          commit = resolve
        })
      })
      const device = await newDevice(place, thingId)
      device.post(newRequest(thingId).executionId, '"committed"')
      await until(() => expect(begun).toBe(1))
      const stopping = first.stop()
      device.post(newRequest(thingId).executionId, '"for the next"')
      commit()
      await stopping
      const collected = collectOf(thingId)
      const second = newGateway(place, clientId)
      await second.start(collected.handler)
      await until(() => expect(collected.all.length).toBeGreaterThan(0))
      expect(collected.texts()).toEqual(['"for the next"'])
    })

    test('gets all that came while it was down, in order', async () => {
      const place = await openPlace()
      const thingId = newName('thing')
      const clientId = newName('gateway')
      const first = newGateway(place, clientId)
      await first.start(async () => {})
      await first.stop()
      const device = await newDevice(place, thingId)
      const { executionId } = newRequest(thingId)
      const sent = Array.from({ length: 200 }, (_, index) => String(index))
      for (const text of sent) device.post(executionId, text)
      const collected = collectOf(thingId)
      const second = newGateway(place, clientId)
      await second.start(collected.handler)
      await until(() => expect(distinct(collected.texts())).toHaveLength(sent.length))
      expect(distinct(collected.texts())).toEqual(sent)
    })

    test('loses nothing and keeps the order while the handler rejects, and logs the outage once', async () => {
      const place = await openPlace()
      const thingId = newName('thing')
      const collected = collectOf(thingId)
      const { log, lines } = createTestLog()
      const gateway = createGateway({ link: place.linkFor(newName('gateway')), log })
      endings.push(gateway.stop)
      let failures = 3
      await gateway.start(async (responses) => {
        if (failures > 0) {
          failures -= 1
          throw new Error('no database')
        }
        await collected.handler(responses)
      })
      const device = await newDevice(place, thingId)
      const { executionId } = newRequest(thingId)
      const sent = Array.from({ length: 50 }, (_, index) => String(index))
      await Promise.all(sent.map((text) => device.respond(executionId, text)))
      await until(() => expect(collected.all).toHaveLength(sent.length))
      expect(collected.texts()).toEqual(sent)
      expect(lines.filter(({ msg }) => msg.includes('cannot be recorded'))).toHaveLength(1)
      expect(gateway.isAvailable()).toBe(true)
    })

    test('drains responses that came at once in shared batches', async () => {
      const place = await openPlace()
      const thingId = newName('thing')
      const collected = collectOf(thingId)
      const gateway = newGateway(place, newName('gateway'))
      let open = () => {}
      const gate = new Promise<void>((resolve) => {
        open = resolve
      })
      const batches: number[] = []
      await gateway.start(async (responses) => {
        await gate
        await delay(5) // as long as a commit
        batches.push(responses.length)
        await collected.handler(responses)
      })
      const device = await newDevice(place, thingId)
      const { executionId } = newRequest(thingId)
      const sending = Promise.all(
        Array.from({ length: place.maxWaiting }, (_, index) => device.respond(executionId, String(index))),
      )
      await until(() => expect(device.client.connected).toBe(true))
      open()
      await sending
      await until(() => expect(collected.all).toHaveLength(place.maxWaiting))
      expect(new Set(collected.texts()).size).toBe(place.maxWaiting)
      expect(batches.length).toBeLessThan(place.maxWaiting / 2)
      expect(Math.max(...batches)).toBeLessThanOrEqual(500)
    })

    test('ignores retained responses and takes those of QoS 0', async () => {
      const place = await openPlace()
      const thingId = newName('thing')
      const device = await newDevice(place, thingId)
      const { executionId } = newRequest(thingId)
      const old = device.respond(executionId, '"old"', { retain: true })
      // The embedded broker confirms it when the gateway, which is still to start, has taken it.
      if (name !== 'embedded') {
        await old
        endings.push(() => device.respond(executionId, '', { retain: true }))
      }
      const collected = collectOf(thingId)
      const gateway = newGateway(place, newName('gateway'))
      await gateway.start(collected.handler)
      await device.respond(executionId, '"fresh"', { qos: 0 })
      await until(() => expect(collected.texts()).toContain('"fresh"'))
      // The embedded broker strips the flag, keeps nothing, and has "old" in the session of the service.
      expect(distinct(collected.texts())).toEqual(name === 'embedded' ? ['"old"', '"fresh"'] : ['"fresh"'])
    })

    test('carries 1,000 requests at once', async () => {
      const place = await openPlace()
      const thingId = newName('thing')
      const gateway = newGateway(place, newName('gateway'))
      await gateway.start(async () => {})
      const device = await newDevice(place, thingId)
      const outcomes = await Promise.all(
        Array.from({ length: 1000 }, () => gateway.publishRequest(newRequest(thingId))),
      )
      expect(outcomes.every(({ kind }) => kind === 'confirmed')).toBe(true)
      await until(() => expect(device.received).toHaveLength(1000))
    })

    test('says that it stopped', async () => {
      const place = await openPlace()
      const gateway = newGateway(place, newName('gateway'))
      await gateway.start(async () => {})
      await gateway.stop()
      expect(gateway.isAvailable()).toBe(false)
      expect(gateway.problem()).toBe('stopped')
      expect(await gateway.publishRequest(newRequest('thing'))).toEqual({ kind: 'unconfirmed', why: 'stopped' })
    })
  })
}
