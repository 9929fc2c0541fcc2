/** A device in a browser page: MQTT over WebSocket, on the HTTP port of a service with its own broker. */
import { once } from 'node:events'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { requestFilter } from '../../src/protocol/topics.ts'
import { onServices } from '../support/backend.ts'
import { startTestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'

describe.skipIf(onServices)('MQTT over WebSocket', () => {
  let service: Service
  let url: string

  beforeAll(async () => {
    service = await startService()
    url = `${service.url.replace('http', 'ws')}/mqtt`
  })
  afterAll(() => service?.stop())

  it('carries requests and responses', async () => {
    const thingId = uniqueName('page')
    await service.registerThing(thingId)
    const device = await startTestDevice(url, thingId, {
      answer: ({ params }) => ({ status: 'SUCCEEDED', result: params }),
    })
    const params = { text: 'ü'.repeat(10_000) }
    const { execution } = await service.send({ thingId, params, ttl: 20, wait: true })
    expect(execution).toMatchObject({ status: 'SUCCEEDED', result: params })
    await device.stop()
  })

  it('has the rules of the broker: a thing hears its own requests only', async () => {
    const [mine, other] = [uniqueName('mine'), uniqueName('other')]
    for (const id of [mine, other]) await service.registerThing(id)
    const client = await mqtt.connectAsync(url, { clientId: mine, protocolVersion: 4 })
    expect(await client.subscribeAsync(requestFilter(mine), { qos: 1 })).toMatchObject([{ qos: 1 }])
    await expect(client.subscribeAsync(requestFilter(other), { qos: 1 })).rejects.toThrow('Subscribe error')
    await client.endAsync()
  })

  it('is for pages of its own origin', async () => {
    const origin = 'https://evil.example'
    const socket = new WebSocket(url, 'mqtt', { headers: { origin } })
    socket.on('error', () => {})
    const [, response] = await once(socket, 'unexpected-response')
    expect(response.statusCode).toBe(403)
    response.destroy()
  })

  it('outlives what is no MQTT', async () => {
    const socket = new WebSocket(url, 'mqtt')
    await once(socket, 'open')
    socket.send('GET / HTTP/1.1\r\n\r\n')
    await once(socket, 'close')
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200)
  })

  it('keeps the session of a device whose page was closed, and hands it on what came meanwhile', async () => {
    const thingId = uniqueName('closed')
    await service.registerThing(thingId)
    const device = await startTestDevice(url, thingId, { clean: false })
    device.client.stream.destroy()
    device.client.end(true)
    const { execution } = await service.send({ thingId, ttl: 20 })
    const again = await startTestDevice(url, thingId, { clean: false, answer: () => ({ status: 'SUCCEEDED' }) })
    expect(await again.nextRequest()).toMatchObject({ executionId: execution?.id })
    await again.stop()
  })
})
