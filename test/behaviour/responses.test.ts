import { randomUUID } from 'node:crypto'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onServices } from '../support/backend.ts'
import type { ExecutionData } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'

if (!onServices)
  console.warn('DATABASE_URL and MQTT_URL are not set: what a broker without rules lets through did NOT run')

const SUCCEEDED = { status: 'SUCCEEDED', result: { value: 24 } }
const deep = (levels: number): string => `${'['.repeat(levels)}1${']'.repeat(levels)}`

const MALFORMED: [string, string | Buffer, RegExp][] = [
  ['nothing', '', /payload: expected JSON/],
  ['no JSON', '{"status":"SUCCEEDED"', /payload: expected JSON/],
  ['no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /payload: expected UTF-8/],
  ['an array', '[{"status":"SUCCEEDED"}]', /payload/],
  ['null', 'null', /payload/],
  ['no status', '{"result":1}', /status/],
  ['a status of its own', '{"status":"DONE"}', /status: expected one of SUCCEEDED, FAILED, REJECTED/],
  ['a status that only the service gives', '{"status":"TIMED_OUT"}', /status/],
  ['an open status', '{"status":"SENT"}', /status/],
  ['a reason code in small letters', '{"status":"FAILED","reason":{"code":"hot"}}', /reason.code/],
  ['a reason without a code', '{"status":"FAILED","reason":{"message":"hot"}}', /reason.code/],
  [
    'a reason that is too long',
    JSON.stringify({ status: 'FAILED', reason: { code: 'HOT', message: 'x'.repeat(1025) } }),
    /1,024/,
  ],
  ['a NUL', '{"status":"SUCCEEDED","result":"a\\u0000b"}', /NUL/],
  ['half a character', '{"status":"SUCCEEDED","result":{"a":"\\ud800"}}', /surrogate/],
  ['a NUL in a name', '{"status":"SUCCEEDED","result":{"a\\u0000":1}}', /NUL/],
  ['too deep', `{"status":"SUCCEEDED","result":${deep(70)}}`, /deep/],
  ['very deep', `{"status":"SUCCEEDED","result":${deep(20_000)}}`, /deep|JSON/],
  ['a number beyond numbers', '{"status":"SUCCEEDED","result":1e999}', /finite/],
  ['a time that is text', '{"status":"SUCCEEDED","timestamp":"now"}', /timestamp/],
]

describe('responses that do not count', () => {
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

  async function send(ttl = 300, to = thingId): Promise<string> {
    const { execution, errors } = await service.send({ thingId: to, ttl })
    expect(errors).toEqual([])
    return execution?.id ?? ''
  }

  async function until(id: string, fits: (execution: ExecutionData) => boolean): Promise<ExecutionData> {
    await expect.poll(() => service.execution(id), { timeout: 10_000, interval: 20 }).toSatisfy(fits)
    return service.execution(id)
  }

  const untilStatus = (id: string, status: string) => until(id, (execution) => execution.status === status)

  const untilIgnored = (id: string, count: number) =>
    until(id, ({ ignoredResponseCount }) => ignoredResponseCount >= count)

  /** When a second answer has settled after a first one, everything that was published before has been dealt with. */
  async function settleOthers(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const id = await send()
      await device.respond(id, SUCCEEDED)
      await untilStatus(id, 'SUCCEEDED')
    }
  }

  it.each(MALFORMED)('%s: kept as evidence, and the right answer still counts', async (_name, payload, problem) => {
    const id = await send()
    const before = await service.execution(id)
    await device.respondRaw(id, payload)
    const refused = await untilIgnored(id, 1)
    expect(refused).toMatchObject({ status: 'SENT', settledAt: null, result: null, statusReason: null })
    expect(refused.ignoredResponses).toMatchObject([
      { cause: 'MALFORMED', status: null, problem: expect.stringMatching(problem) },
    ])
    expect(Date.parse(refused.updatedAt)).toBeGreaterThanOrEqual(Date.parse(before.updatedAt))
    await device.respond(id, SUCCEEDED)
    const settled = await untilStatus(id, 'SUCCEEDED')
    expect(settled).toMatchObject({ result: { value: 24 }, ignoredResponseCount: 1 })
    expect(Date.parse(settled.updatedAt)).toBeGreaterThanOrEqual(Date.parse(refused.updatedAt))
  })

  it('more than 256 KB: never applied', async () => {
    const id = await send()
    const payload = JSON.stringify({ status: 'SUCCEEDED', result: 'x'.repeat(256 * 1024) })
    await publishAs(thingId, responseTopicOf(thingId, id), payload)
    // The embedded broker cuts the connection of who sends it; another broker hands it to us.
    if (onServices) expect((await untilIgnored(id, 1)).ignoredResponses[0]?.problem).toMatch(/at most 262144 bytes/)
    await device.stop()
    device = await startTestDevice(service.mqttUrl, thingId)
    expect(await service.execution(id)).toMatchObject({ status: 'SENT' })
  })

  it('a repeated and a contradicting one: the first stays', async () => {
    const id = await send()
    await device.respond(id, SUCCEEDED)
    const settled = await untilStatus(id, 'SUCCEEDED')
    await device.respond(id, SUCCEEDED)
    await untilIgnored(id, 1)
    await device.respond(id, { status: 'FAILED', reason: { code: 'OVERHEATED', message: 'after all' }, result: [1] })
    const after = await untilIgnored(id, 2)
    expect(after).toMatchObject({ status: 'SUCCEEDED', result: { value: 24 }, settledAt: settled.settledAt })
    expect(after.statusReason).toBeNull()
    expect(after.ignoredResponses).toMatchObject([
      { cause: 'REPEATED', status: 'SUCCEEDED', result: { value: 24 } },
      { cause: 'REPEATED', status: 'FAILED', result: [1], reason: { code: 'OVERHEATED', message: 'after all' } },
    ])
    expect(Date.parse(after.updatedAt)).toBeGreaterThan(Date.parse(settled.updatedAt))
  })

  it('a late one, after the TTL and after a cancel', async () => {
    const [timedOut, canceled] = [await send(1), await send()]
    await service.cancel(canceled)
    await untilStatus(timedOut, 'TIMED_OUT')
    for (const id of [timedOut, canceled]) await device.respond(id, SUCCEEDED)
    for (const [id, status] of [
      [timedOut, 'TIMED_OUT'],
      [canceled, 'CANCELED'],
    ] as const) {
      const after = await untilIgnored(id, 1)
      expect(after).toMatchObject({ status, result: null })
      expect(after.ignoredResponses).toMatchObject([{ cause: 'LATE', status: 'SUCCEEDED', result: { value: 24 } }])
    }
  })

  it('at most ten are kept, and all are counted', async () => {
    const id = await send()
    await device.respond(id, SUCCEEDED)
    for (let n = 0; n < 25; n++) await device.respond(id, { status: 'FAILED', result: n })
    const after = await untilIgnored(id, 25)
    expect(after.ignoredResponseCount).toBe(25)
    expect(after.ignoredResponses.map(({ result }) => result)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('bad ones among two hundred do not spoil the others', async () => {
    const ids: string[] = []
    for (let n = 0; n < 20; n++) ids.push(...(await Promise.all(Array.from({ length: 10 }, () => send()))))
    await Promise.all(
      ids.flatMap((id, n) => [
        ...(n % 20 === 7
          ? [device.respondRaw(id, '{"status":"SUCC\u0000'), device.respondRaw(randomUUID(), '{}')]
          : []),
        device.respond(id, { status: 'SUCCEEDED', result: n }),
      ]),
    )
    for (const [n, id] of ids.entries()) expect((await untilStatus(id, 'SUCCEEDED')).result).toBe(n)
    expect((await untilIgnored(ids[7] ?? '', 1)).ignoredResponses).toMatchObject([{ cause: 'MALFORMED' }])
  })

  it('for an execution that does not exist: nothing comes of it', async () => {
    const id = randomUUID()
    await device.respond(id, SUCCEEDED)
    await settleOthers()
    expect((await service.request(`{ execution(id: "${id}") { id } }`)).data).toEqual({ execution: null })
  })

  it('an answer at once, before the broker has confirmed the request', async () => {
    const hastyId = uniqueName('hasty')
    await service.registerThing(hastyId)
    const hasty = await startTestDevice(service.mqttUrl, hastyId, { answer: () => SUCCEEDED })
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => service.send({ thingId: hastyId, wait: true })))
    for (const { execution, errors } of outcomes) {
      expect(errors).toEqual([])
      expect(execution).toMatchObject({ status: 'SUCCEEDED', ignoredResponseCount: 0 })
    }
    await hasty.stop()
  })

  it('of another thing: it changes nothing and leaves no evidence', async () => {
    const strangerId = uniqueName('stranger')
    await service.registerThing(strangerId)
    const id = await send()
    const forged = JSON.stringify({ status: 'FAILED' })
    await publishAs(strangerId, responseTopicOf(strangerId, id), forged)
    // Behind another broker its own rules hold this one back.
    if (!onServices) await publishAs(strangerId, responseTopicOf(thingId, id), forged)
    await settleOthers()
    expect(await service.execution(id)).toMatchObject({ status: 'SENT', ignoredResponseCount: 0 })
  })

  it.skipIf(!onServices)('retained ones count once, and not again for who subscribes later', async () => {
    const id = await send()
    const topic = responseTopicOf(thingId, id)
    await publishAs(uniqueName('careless'), topic, JSON.stringify(SUCCEEDED), true)
    await untilStatus(id, 'SUCCEEDED')
    const second = await startService({ backend: service.backend, mqttClientId: uniqueName('second') })
    await settleOthers()
    expect(await second.execution(id)).toMatchObject({ status: 'SUCCEEDED', ignoredResponseCount: 0 })
    await second.stop()
    await publishAs(uniqueName('careful'), topic, '', true)
  })

  it('under a name that is none: nothing comes of it', async () => {
    const id = await send()
    for (const topic of [
      responseTopicOf(thingId, id.toUpperCase()),
      responseTopicOf(thingId, 'not-an-id'),
      responseTopicOf('a thing', id),
      responseTopicOf(`${thingId}\u00e9`, id),
      responseTopicOf('x'.repeat(129), id),
      `${responseTopicOf(thingId, id)}/more`,
    ]) {
      await publishAs(thingId, topic, JSON.stringify(SUCCEEDED))
    }
    await device.stop()
    device = await startTestDevice(service.mqttUrl, thingId)
    await settleOthers()
    expect(await service.execution(id)).toMatchObject({ status: 'SENT', ignoredResponseCount: 0 })
  })

  const responseTopicOf = (thing: string, id: string): string =>
    `$emqx/commands/things/${thing}/executions/${id}/response`

  /** Publishes once as a client of this id, and does not mind being thrown out for it. */
  async function publishAs(clientId: string, topic: string, payload: string, retain = false): Promise<void> {
    const client = mqtt.connect(service.mqttUrl, { clientId, protocolVersion: 4, reconnectPeriod: 0 })
    client.on('error', () => {})
    await new Promise<void>((resolve) => {
      client.once('close', () => resolve())
      client.once('connect', () => client.publish(topic, payload, { qos: 1, retain }, () => resolve()))
    })
    await client.endAsync(true)
  }
})
