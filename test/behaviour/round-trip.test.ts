import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { watch } from '../support/subscription.ts'

describe('the round trip of a command', () => {
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('thermostat')

  beforeAll(async () => {
    service = await startService()
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId)
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
  })

  it('is sent, answered, settled and seen', async () => {
    const { execution, errors } = await service.send({
      thingId,
      action: 'setTemperature',
      params: { value: 24 },
      ttl: 20,
    })
    expect(errors).toEqual([])
    expect(execution).toMatchObject({
      thingId,
      action: 'setTemperature',
      status: 'SENT',
      ttl: 20,
      result: null,
      settledAt: null,
    })
    const id = execution?.id ?? ''

    const socket = service.webSocket()
    const watching = watch(socket, { id })
    expect(await watching.next()).toMatchObject({ id, status: 'SENT' })

    const request = await device.nextRequest()
    expect(request).toMatchObject({
      executionId: id,
      commandId: execution?.commandId,
      action: 'setTemperature',
      params: { value: 24 },
      ttl: 20,
    })
    expect(request.timestamp).toBe(Math.floor(Date.parse(execution?.createdAt ?? '') / 1000))

    await device.respond(id, { status: 'SUCCEEDED', result: { currentTemperature: 24 } })
    expect(await watching.next()).toMatchObject({ id, status: 'SUCCEEDED', result: { currentTemperature: 24 } })
    expect(await watching.next()).toBeUndefined()
    expect(await service.execution(id)).toMatchObject({
      status: 'SUCCEEDED',
      result: { currentTemperature: 24 },
      statusReason: null,
    })
    await socket.dispose()
  })
})
