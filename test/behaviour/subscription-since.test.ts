import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { onServices } from '../support/backend.ts'
import type { ExecutionData } from '../support/client.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { overSse, overWebSocket, type Subscriber, type Watching } from '../support/subscription.ts'

/** On Postgres, what changed this long before `since` may be repeated: it may have been committed after it. */
const REPEATED_MS = onServices ? 10_000 : 0

let service: Service
beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.stop())

/** Reads until the given execution is told of in the given state, and returns what changed at or after the instant. */
async function readUntil(watching: Watching, last: ExecutionData, since: string): Promise<string[]> {
  const told: string[] = []
  for (;;) {
    const execution = await watching.next()
    if (!execution) throw new Error('the subscription ended')
    expect(Date.parse(execution.updatedAt)).toBeGreaterThanOrEqual(Date.parse(since) - REPEATED_MS)
    if (execution.updatedAt >= since) told.push(`${execution.id} ${execution.status}`)
    if (execution.id === last.id && execution.status === last.status) return told
  }
}

describe.each([
  ['WebSocket', overWebSocket],
  ['SSE', overSse],
])('executionUpdated with since, over %s', (_transport, connect) => {
  let subscriber: Subscriber
  let thingId: string

  beforeEach(async () => {
    thingId = uniqueName('since')
    await service.registerThing(thingId)
    subscriber = connect(service)
  })
  afterEach(() => subscriber.close())

  /** Sends one, at another millisecond than any before it. */
  async function send(action = 'reboot'): Promise<ExecutionData> {
    const startedAt = await newest()
    for (;;) {
      const { execution } = await service.send({ thingId, action, ttl: 600 })
      if (!execution) throw new Error('not sent')
      if (execution.updatedAt !== startedAt) return execution
      await service.cancel(execution.id)
    }
  }

  async function newest(): Promise<string | undefined> {
    const { executions } = await service.query<{ executions: { nodes: ExecutionData[] } }>(
      '{ executions(first: 1) { nodes { updatedAt } } }',
    )
    return executions.nodes[0]?.updatedAt
  }

  async function settle({ id }: ExecutionData): Promise<ExecutionData> {
    const { execution } = await service.cancel(id)
    if (!execution) throw new Error('not canceled')
    return execution
  }

  it('tells what changed at or after it, as it is now and in the order of the changes, then live', async () => {
    const untouched = await send()
    const settledLater = await send()
    const atSince = await send()
    const settledAtOnce = await settle(await send())
    await settle(settledLater)

    const watching = await subscriber.watch({ since: atSince.updatedAt, filter: { thingId } })
    const live = await settle(untouched)
    expect(await readUntil(watching, live, atSince.updatedAt)).toEqual([
      `${atSince.id} SENT`,
      `${settledAtOnce.id} CANCELED`,
      `${settledLater.id} CANCELED`,
      `${untouched.id} CANCELED`,
    ])
  })

  it('takes the filter for what was missed, too', async () => {
    const first = await send('blink')
    await send('reboot')
    const last = await settle(await send('blink'))
    const watching = await subscriber.watch({ since: first.updatedAt, filter: { thingId, action: 'blink' } })
    expect(await readUntil(watching, last, first.updatedAt)).toEqual([`${first.id} SENT`, `${last.id} CANCELED`])
  })

  it('is of no consequence with an id', async () => {
    const { id, updatedAt } = await send()
    const since = new Date(Date.parse(updatedAt) + 60_000).toISOString()
    const watching = await subscriber.watch({ id, since })
    expect(await watching.next()).toMatchObject({ id, status: 'SENT' })
    await service.cancel(id)
    expect(await watching.next()).toMatchObject({ id, status: 'CANCELED' })
    expect(await watching.next()).toBeUndefined()
  })

  it('waits for what comes, where it lies in the future', async () => {
    const { id } = await send()
    const watching = await subscriber.watch({ since: '9999-12-31T23:59:59.999Z', filter: { thingId } })
    await service.cancel(id)
    expect(await watching.next()).toMatchObject({ id, status: 'CANCELED' })
  })

  it.each(['0000-01-01T00:00:00Z', '1970-01-01T00:00:00Z'])('tells everything since %s', async (since) => {
    const { id } = await send()
    const watching = await subscriber.watch({ since, filter: { thingId } })
    expect(await watching.next()).toMatchObject({ id, status: 'SENT' })
  })
})
