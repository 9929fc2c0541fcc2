import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ExecutionData } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { countIdleListeners, REPLICAS, type Service, startService } from '../support/service.ts'
import { overSse, overWebSocket, type Subscriber } from '../support/subscription.ts'

const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000'

let service: Service
let device: TestDevice
const thingId = uniqueName('watched')
const otherId = uniqueName('other')

beforeAll(async () => {
  service = await startService()
  await service.registerThing(thingId)
  await service.registerThing(otherId)
  device = await startTestDevice(service.mqttUrl, thingId)
})

afterAll(async () => {
  await device.stop()
  await service.stop()
})

async function send(input: { thingId?: string; action?: string } = {}): Promise<ExecutionData> {
  const { execution, errors } = await service.send({ thingId, ttl: 600, ...input })
  if (!execution) throw new Error(JSON.stringify(errors))
  return execution
}

describe.each([
  ['WebSocket', overWebSocket],
  ['SSE', overSse],
])('executionUpdated over %s', (_transport, connect) => {
  let subscriber: Subscriber
  beforeEach(() => {
    subscriber = connect(service)
  })
  afterEach(() => subscriber.close())

  describe('with an id', () => {
    it('tells it as it is now, then each change, and ends once it is settled', async () => {
      const { id } = await send()
      const watching = await subscriber.watch({ id })
      expect(await watching.next()).toMatchObject({ id, status: 'SENT', ignoredResponseCount: 0 })
      await device.respondRaw(id, 'no JSON')
      expect(await watching.next()).toMatchObject({ id, status: 'SENT', ignoredResponses: [{ cause: 'MALFORMED' }] })
      await device.respond(id, { status: 'FAILED', reason: { code: 'OVERHEATED', message: 'too hot' } })
      const reason = { code: 'OVERHEATED', message: 'too hot' }
      expect(await watching.next()).toMatchObject({ id, status: 'FAILED', statusReason: reason })
      expect(await watching.next()).toBeUndefined()
    })

    it('tells a settled one once, and ends', async () => {
      const { id } = await send()
      await service.cancel(id)
      const watching = await subscriber.watch({ id: id.toUpperCase() })
      expect(await watching.next()).toMatchObject({ id, status: 'CANCELED' })
      expect(await watching.next()).toBeUndefined()
    })

    it.each([UNKNOWN_ID, 'no-uuid', ''])('refuses %o, and leaves nothing behind', async (id) => {
      const before = await countIdleListeners(service)
      const watching = await subscriber.watch({ id })
      await expect(watching.next()).rejects.toThrow('EXECUTION_NOT_FOUND')
      expect(service.app.listenerCount()).toBe(before)
    })

    it('ends also where its settled state does not match the filter', async () => {
      const { id } = await send()
      const sent = await subscriber.watch({ id, filter: { status: 'SENT' } })
      const other = await subscriber.watch({ id, filter: { thingId: otherId } })
      const canceled = await subscriber.watch({ id, filter: { status: 'CANCELED' } })
      expect(await sent.next()).toMatchObject({ status: 'SENT' })
      await service.cancel(id)
      expect(await sent.next()).toBeUndefined()
      expect(await other.next()).toBeUndefined()
      expect(await canceled.next()).toMatchObject({ status: 'CANCELED' })
      expect(await canceled.next()).toBeUndefined()
    })
  })

  describe('without an id', () => {
    it('tells every change from now on', async () => {
      const before = await send()
      const watching = await subscriber.watch()
      const { id } = await send({ thingId: otherId })
      expect(await watching.next()).toMatchObject({ id, thingId: otherId, status: 'SENT' })
      await service.cancel(id)
      expect(await watching.next()).toMatchObject({ id, status: 'CANCELED' })
      await service.cancel(before.id)
      expect(await watching.next()).toMatchObject({ id: before.id, status: 'CANCELED' })
    })

    it('tells of a late response', async () => {
      const { id } = await send()
      await service.cancel(id)
      const watching = await subscriber.watch({ filter: { thingId } })
      await device.respond(id, { status: 'SUCCEEDED', result: 1 })
      const late = { cause: 'LATE', status: 'SUCCEEDED', result: 1 }
      expect(await watching.next()).toMatchObject({ id, status: 'CANCELED', result: null, ignoredResponses: [late] })
    })

    it('says nothing of what does not match any more', async () => {
      const watching = await subscriber.watch({ filter: { thingId: [thingId], status: ['SENT'] } })
      const first = await send()
      expect(await watching.next()).toMatchObject({ id: first.id })
      await service.cancel(first.id)
      const second = await send()
      expect(await watching.next()).toMatchObject({ id: second.id, status: 'SENT' })
    })

    it('refuses a since that is no instant', async () => {
      const watching = await subscriber.watch({ since: 'yesterday' })
      // Over SSE it is refused as a request: 400.
      await expect(watching.next()).rejects.toThrow(/BAD_USER_INPUT|400/)
    })
  })

  describe('with a filter', () => {
    let wanted: ExecutionData
    let unwanted: ExecutionData
    beforeEach(async () => {
      unwanted = await send({ thingId: otherId, action: 'blink' })
      do wanted = await send()
      while (wanted.createdAt === unwanted.createdAt)
    })

    it.each([
      ['thingId', () => ({ thingId })],
      ['thingId, several', () => ({ thingId: [thingId, 'nobody'] })],
      ['action', () => ({ action: 'reboot' })],
      ['status', () => ({ status: 'CANCELED' })],
      ['commandId', () => ({ commandId: wanted.commandId.toUpperCase() })],
      ['createdAt from, inclusive', () => ({ createdAt: { from: wanted.createdAt } })],
      ['createdAt to, exclusive', () => ({ createdAt: { to: wanted.createdAt } })],
      ['all of them', () => ({ thingId, action: ['x', 'reboot'], status: ['CANCELED'], commandId: wanted.commandId })],
      ['two that exclude each other', () => ({ thingId, action: 'blink' })],
      ['an empty list', () => ({ status: [] })],
    ])('tells what matches: %s', async (kind, filterOf) => {
      const watching = await subscriber.watch({ filter: filterOf() })
      const everything = await subscriber.watch({ filter: { action: ['blink', 'reboot', 'end'] } })
      const told: ExecutionData[] = []
      const reading = (async () => {
        for (let one = await watching.next(); one; one = await watching.next()) told.push(one)
      })()
      await service.cancel(unwanted.id)
      await service.cancel(wanted.id)
      await everything.until(({ id }) => id === wanted.id)
      const matching = {
        status: [unwanted, wanted],
        'createdAt to, exclusive': [unwanted],
        'two that exclude each other': [],
        'an empty list': [],
      }[kind] ?? [wanted]
      // Of two executions that two replicas change, either may be heard of first; and what another replica sent in the
      // very moment before may be told as well.
      const ids = () => told.filter(({ status }) => REPLICAS === 1 || status !== 'SENT').map(({ id }) => id)
      await expect.poll(() => ids().toSorted()).toEqual(matching.map(({ id }) => id).toSorted())
      await watching.stop()
      await reading
    })
  })
})
