import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBackend, onServices } from '../support/backend.ts'
import { startTestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { deregisterThing, updateThing } from '../support/registry.ts'
import { type Service, startService, startServiceProcess } from '../support/service.ts'
import { presenceOf, watchThings } from '../support/things.ts'

const ANSWERS = { answer: () => ({ status: 'SUCCEEDED' }) }

describe('presence', () => {
  let service: Service
  beforeAll(async () => {
    service = await startService()
  })
  afterAll(() => service.stop())

  const register = async (): Promise<string> => {
    const id = uniqueName('thing')
    await service.registerThing(id)
    return id
  }

  const onlineOfSend = async (thingId: string) => {
    const { execution } = await service.send({ thingId, ttl: 60 })
    const query = 'query ($id: ID!) { execution(id: $id) { thingOnline thing { online } } }'
    const stored = await service.query<{ execution: { thingOnline: boolean | null } }>(query, { id: execution?.id })
    const rest = await fetch(`${service.url}/api/v1/commands/${execution?.id}`)
    expect(await rest.json()).toMatchObject({ thingOnline: stored.execution.thingOnline })
    return stored.execution.thingOnline
  }

  it('is unknown of a thing of which nobody told anything', async () => {
    const id = await register()
    expect(await presenceOf(service, id)).toMatchObject({ online: null, lastSeenAt: null })
    expect(await onlineOfSend(id)).toBe(null)
  })

  it('an answer says when a thing was last seen, whether it settles or is kept as evidence', async () => {
    const id = await register()
    const watching = await watchThings(service, { filter: { id } })
    const device = await startTestDevice(service.mqttUrl, id)
    const { execution } = await service.send({ thingId: id, ttl: 60 })
    await service.cancel(execution?.id ?? '')
    const before = (await presenceOf(service, id)).lastSeenAt ?? ''
    await device.respond(execution?.id ?? '', { status: 'SUCCEEDED' })
    const seen = await watching.until(({ lastSeenAt }) => (lastSeenAt ?? '') > before)
    expect(Date.parse(seen.lastSeenAt ?? '')).toBeGreaterThan(Date.now() - 60_000)
    // Mosquitto does not tell who is connected, and that it answered does not say that it is still there.
    expect(seen.online).toBe(onServices ? null : true)
    await watching.close()
    await device.stop()
  })

  it('a response in the name of another execution’s thing says nothing of it', async () => {
    const [id, other] = [await register(), await register()]
    const { execution } = await service.send({ thingId: id, ttl: 60 })
    const device = await startTestDevice(service.mqttUrl, other)
    await device.respond(execution?.id ?? '', { status: 'SUCCEEDED' })
    // What comes after it has been dealt with.
    const { execution: own } = await service.send({ thingId: id, ttl: 60, action: 'own' })
    const mine = await startTestDevice(service.mqttUrl, id)
    await mine.respond(own?.id ?? '', { status: 'SUCCEEDED' })
    await expect.poll(async () => (await presenceOf(service, id)).lastSeenAt).not.toBe(null)
    if (onServices) expect((await presenceOf(service, other)).lastSeenAt).toBe(null)
    await device.stop()
    await mine.stop()
  })

  it('thingUpdated tells of changes of the registration, and ends when the thing does', async () => {
    const id = await register()
    const watching = await watchThings(service, { id })
    await watching.until((thing) => thing.id === id && thing.tags.length === 0)
    await updateThing(service, { id, tags: ['kitchen'] })
    await watching.until(({ tags }) => tags.includes('kitchen'))
    await deregisterThing(service, id)
    await watching.ended()
    await watching.close()
  })

  it('thingUpdated of things that match a filter tells of no others', async () => {
    const [one, other, last] = [await register(), await register(), await register()]
    const watching = await watchThings(service, { filter: { tag: 'wanted', id: [one, other, last] } })
    await updateThing(service, { id: one, tags: ['wanted'] })
    await watching.until(({ id }) => id === one)
    await updateThing(service, { id: other, tags: ['unwanted'] })
    await updateThing(service, { id: last, tags: ['wanted'] })
    const seen: string[] = []
    await watching.until(({ id }) => seen.push(id) > 0 && id === last)
    expect(seen).not.toContain(other)
    await watching.close()
  })

  it('thingUpdated of a thing that is not registered is an error with a code', async () => {
    const watching = await watchThings(service, { id: 'nobody' })
    await expect(watching.until(() => true)).rejects.toThrow('THING_NOT_FOUND')
    await watching.close()
  })

  describe.skipIf(onServices)(
    'on the embedded broker, which tells of its clients (on Mosquitto: null, see above)',
    () => {
      it('follows a device that connects, goes, comes back and is killed', async () => {
        const id = await register()
        const watching = await watchThings(service, { id })
        const first = await startTestDevice(service.mqttUrl, id, ANSWERS)
        expect((await watching.until(({ online }) => online === true)).lastSeenAt).not.toBe(null)
        expect(await onlineOfSend(id)).toBe(true)
        await first.stop()
        await watching.until(({ online }) => online === false)
        expect(await onlineOfSend(id)).toBe(false)
        const second = await startTestDevice(service.mqttUrl, id)
        await watching.until(({ online }) => online === true)
        second.client.end(true)
        second.client.stream.destroy()
        await watching.until(({ online }) => online === false)
        await watching.close()
      })

      it('a connection that takes the place of another one leaves the thing online', async () => {
        const id = await register()
        const first = await startTestDevice(service.mqttUrl, id)
        first.client.options.reconnectPeriod = 0
        const second = await startTestDevice(service.mqttUrl, id, ANSWERS)
        const { execution } = await service.send({ thingId: id, ttl: 60, wait: true })
        expect(execution?.status).toBe('SUCCEEDED')
        await expect.poll(async () => (await presenceOf(service, id)).online).toBe(true)
        await first.stop()
        await second.stop()
        await expect.poll(async () => (await presenceOf(service, id)).online).toBe(false)
      })

      it('a device that was there before it was registered is online as soon as it is', async () => {
        const id = uniqueName('early')
        const other = await register()
        const device = await startTestDevice(service.mqttUrl, other)
        await deregisterThing(service, other)
        await service.registerThing(id, { clientId: other })
        await expect.poll(async () => (await presenceOf(service, id)).online).toBe(true)
        await device.stop()
      })

      it('is unknown again when a thing gets another clientId, and not when it gets the one it has', async () => {
        const id = await register()
        const device = await startTestDevice(service.mqttUrl, id)
        await device.stop()
        await expect.poll(async () => (await presenceOf(service, id)).online).toBe(false)
        await updateThing(service, { id, clientId: id })
        expect((await presenceOf(service, id)).online).toBe(false)
        await updateThing(service, { id, clientId: uniqueName('client') })
        expect((await presenceOf(service, id)).online).toBe(null)
      })

      it('lists things by whether they are online', async () => {
        const [on, off, unknown] = [await register(), await register(), await register()]
        const device = await startTestDevice(service.mqttUrl, on)
        await (await startTestDevice(service.mqttUrl, off)).stop()
        await expect.poll(async () => (await presenceOf(service, off)).online).toBe(false)
        const list = async (online: boolean | null) => {
          const query = 'query ($filter: ThingFilter) { things(filter: $filter) { nodes { id online } } }'
          const { things } = await service.query<{ things: { nodes: { id: string }[] } }>(query, {
            filter: { id: [on, off, unknown], online },
          })
          return things.nodes.map(({ id }) => id)
        }
        expect(await list(true)).toEqual([on])
        expect(await list(false)).toEqual([off])
        expect(await list(null)).toEqual([on, off, unknown].sort())
        await device.stop()
      })

      it('nobody is online after the service was killed, until they come back', async () => {
        const backend = await createBackend()
        const before = await startServiceProcess(backend)
        await before.registerThing('was-there')
        const device = await startTestDevice(before.mqttUrl, 'was-there')
        await expect.poll(async () => (await presenceOf(before, 'was-there')).online).toBe(true)
        device.client.options.reconnectPeriod = 0
        await before.kill('SIGKILL')
        const after = await startServiceProcess(backend)
        expect(await presenceOf(after, 'was-there')).toMatchObject({ online: false, lastSeenAt: expect.any(String) })
        await device.stop()
        await after.kill('SIGTERM')
        await backend.dispose()
      }, 60_000)

      it('nobody is online after a stop, and those who come back are', async () => {
        const backend = await createBackend()
        const before = await startService({ backend })
        await before.registerThing('came-back')
        await before.registerThing('stayed-away')
        const gone = [
          await startTestDevice(before.mqttUrl, 'came-back'),
          await startTestDevice(before.mqttUrl, 'stayed-away'),
        ]
        for (const id of ['came-back', 'stayed-away'])
          await expect.poll(async () => (await presenceOf(before, id)).online).toBe(true)
        await before.stop()
        for (const device of gone) device.client.end(true)
        const after = await startService({ backend })
        const back = await startTestDevice(after.mqttUrl, 'came-back')
        await expect.poll(async () => (await presenceOf(after, 'came-back')).online).toBe(true)
        expect((await presenceOf(after, 'stayed-away')).online).toBe(false)
        await back.stop()
        await after.stop()
        await backend.dispose()
      })
    },
  )
})
