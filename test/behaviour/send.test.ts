/** What becomes of a command, from each side: the statuses, and the request as the device gets it. */
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestFilter, requestTopic, responseTopic } from '../../src/protocol/topics.ts'
import { onServices } from '../support/backend.ts'
import type { SendInput } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { watch } from '../support/subscription.ts'

describe('sending', () => {
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('obedient')
  const lonely = uniqueName('lonely')

  beforeAll(async () => {
    service = await startService()
    await service.registerThing(thingId)
    await service.registerThing(lonely)
    // It answers what the params tell it to, and is silent where they tell it nothing.
    device = await startTestDevice(service.mqttUrl, thingId, { answer: ({ params }) => params['answer'] })
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
  })

  const reason = { code: 'OVERHEATED', message: 'the heating element is too hot' }
  const outcomes: [string, Omit<SendInput, 'thingId'> & { thingId?: string }, unknown][] = [
    [
      'SUCCEEDED with a result',
      { params: { answer: { status: 'SUCCEEDED', result: { value: [1, null, 'é'] } } } },
      { status: 'SUCCEEDED', statusReason: null, result: { value: [1, null, 'é'] } },
    ],
    [
      'SUCCEEDED without one',
      { params: { answer: { status: 'SUCCEEDED' } } },
      { status: 'SUCCEEDED', statusReason: null, result: null },
    ],
    [
      'FAILED with a reason',
      { params: { answer: { status: 'FAILED', reason } } },
      { status: 'FAILED', statusReason: reason, result: null },
    ],
    [
      'REJECTED with a code only',
      { params: { answer: { status: 'REJECTED', reason: { code: 'BUSY' }, result: 'later' } } },
      { status: 'REJECTED', statusReason: { code: 'BUSY', message: null }, result: 'later' },
    ],
    [
      'TIMED_OUT where the thing is silent',
      { ttl: 1 },
      { status: 'TIMED_OUT', statusReason: { code: 'NO_RESPONSE', message: expect.any(String) }, result: null },
    ],
    [
      'TIMED_OUT where nobody is subscribed',
      { ttl: 1, thingId: lonely },
      { status: 'TIMED_OUT', statusReason: { code: 'NO_SUBSCRIBER', message: expect.any(String) }, result: null },
    ],
  ]

  it.each(outcomes)('ends %s, and `wait` answers then', async (_name, input, expected) => {
    const { execution, errors } = await service.send({ thingId, wait: true, ...input })
    expect(errors).toEqual([])
    expect(execution).toMatchObject({ ttl: input.ttl ?? 30, requestedBy: null, ...Object(expected) })
    expect(await service.execution(execution?.id ?? '')).toEqual(execution)
    const { createdAt, settledAt, expiresAt, updatedAt } = execution ?? ({} as Record<string, undefined>)
    expect(Date.parse(expiresAt ?? '')).toBe(Date.parse(createdAt ?? '') + (input.ttl ?? 30) * 1000)
    expect(Date.parse(settledAt ?? '')).toBeGreaterThanOrEqual(Date.parse(createdAt ?? ''))
    expect(updatedAt).toBe(settledAt)
  })

  it.each(outcomes)('is SENT, and a watcher sees it end %s', async (_name, input, expected) => {
    const { execution, errors } = await service.send({ thingId, ...input })
    expect(errors).toEqual([])
    expect(execution).toMatchObject({ status: 'SENT', statusReason: null, result: null, settledAt: null })
    const socket = service.webSocket()
    const settled = await watch(socket, { id: execution?.id ?? '' }).until(({ status }) => status !== 'SENT')
    expect(settled).toMatchObject(Object(expected))
    await socket.dispose()
  })

  it('ends CANCELED, and `wait` answers then', async () => {
    const marker = uniqueName('marker')
    const waiting = service.send({ thingId, params: { marker }, ttl: 600, wait: true })
    let request = await device.nextRequest()
    while (request.params['marker'] !== marker) request = await device.nextRequest()
    const canceled = await service.cancel(request.executionId)
    expect(canceled).toMatchObject({
      errors: [],
      execution: { id: request.executionId, status: 'CANCELED', statusReason: null, result: null },
    })
    expect(await waiting).toEqual({ errors: [], execution: canceled.execution })
  })

  it('is not canceled where it is settled or where there is none, and the cancel says so', async () => {
    const { execution } = await service.send({ thingId, params: { answer: { status: 'SUCCEEDED' } }, wait: true })
    for (const id of [execution?.id ?? '', execution?.id.toUpperCase() ?? '']) {
      expect(await service.cancel(id)).toEqual({
        execution,
        errors: [
          { code: 'ALREADY_SETTLED', path: ['id'], message: expect.stringMatching(/SUCCEEDED/), executionId: null },
        ],
      })
    }
    for (const id of ['0190163d-8694-739b-aea5-966c26f8ad91', '', 'x', '\u0000', '{}']) {
      expect(await service.cancel(id)).toEqual({
        execution: null,
        errors: [{ code: 'EXECUTION_NOT_FOUND', path: ['id'], message: expect.any(String), executionId: null }],
      })
    }
  })

  it('makes a command of its own, and a UUIDv7, of each send', async () => {
    const sent = []
    for (let n = 0; n < 5; n++) sent.push((await service.send({ thingId: lonely })).execution)
    const ids = sent.map((execution) => execution?.id ?? '')
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(sent.map((execution) => execution?.commandId)).size).toBe(5)
  })

  it.runIf(onServices)('reaches a device of MQTT 5 with the properties of the contract', async () => {
    const client = await mqtt.connectAsync(service.mqttUrl, { clientId: lonely, protocolVersion: 5 })
    await client.subscribeAsync(requestFilter(lonely), { qos: 1 })
    const arrived = new Promise<{ topic: string; payload: Buffer; packet: mqtt.IPublishPacket }>((resolve) =>
      client.once('message', (topic, payload, packet) => resolve({ topic, payload, packet })),
    )
    const { execution } = await service.send({ thingId: lonely, action: 'blink', params: { times: 3 }, ttl: 60 })
    const { topic, payload, packet } = await arrived
    const address = { thingId: lonely, executionId: execution?.id ?? '' }
    expect(topic).toBe(requestTopic(address))
    expect(JSON.parse(payload.toString())).toEqual({
      commandId: execution?.commandId,
      action: 'blink',
      params: { times: 3 },
      timestamp: Math.floor(Date.parse(execution?.createdAt ?? '') / 1000),
      ttl: 60,
    })
    expect(packet).toMatchObject({ qos: 1, retain: false })
    const { messageExpiryInterval, contentType, responseTopic: answerTo, correlationData } = packet.properties ?? {}
    expect({ contentType, answerTo, correlationData: correlationData?.toString() }).toEqual({
      contentType: 'application/json',
      answerTo: responseTopic(address),
      correlationData: address.executionId,
    })
    expect(messageExpiryInterval).toBeGreaterThan(30)
    expect(messageExpiryInterval).toBeLessThanOrEqual(60)
    await client.endAsync()
  })
})
