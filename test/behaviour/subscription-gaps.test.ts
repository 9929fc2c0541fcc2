import { setTimeout as sleep } from 'node:timers/promises'
import type { Client as WsClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type WebSocket from 'ws'
import type { ExecutionData } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { countIdleListeners, type Service, startService } from '../support/service.ts'
import { watch } from '../support/subscription.ts'

const ROUNDS = 1_000
const COMMANDS = 500
const AT_A_TIME = 10

let service: Service
let device: TestDevice
const thingId = uniqueName('quick')

beforeAll(async () => {
  service = await startService()
  await service.registerThing(thingId)
  device = await startTestDevice(service.mqttUrl, thingId, { answer: () => ({ status: 'SUCCEEDED' }) })
})

afterAll(async () => {
  await device.stop()
  await service.stop()
})

async function send(action: string): Promise<ExecutionData> {
  const { execution, errors } = await service.send({ thingId, action, ttl: 600 })
  if (!execution) throw new Error(JSON.stringify(errors))
  return execution
}

/** Runs this so many times, some at a time. */
async function repeat(times: number, run: () => Promise<unknown>): Promise<void> {
  let left = times
  const one = async () => {
    while (left-- > 0) await run()
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, one))
}

const connectionOf = (client: WsClient): Promise<WebSocket> =>
  new Promise((resolve) => client.on('opened', (socket) => resolve(socket as WebSocket)))

/** What a client has been told. It fails where an execution goes back. */
function createKnowledge() {
  const latest = new Map<string, ExecutionData>()
  let settled = 0
  return {
    settledCount: () => settled,
    /** What to go on from after a broken connection. */
    newest: '',
    note(execution: ExecutionData) {
      const known = latest.get(execution.id)
      if (known) {
        expect(execution.updatedAt >= known.updatedAt).toBe(true)
        expect(known.status === 'SENT' || known.status === execution.status).toBe(true)
      }
      if (execution.status !== 'SENT' && (known?.status ?? 'SENT') === 'SENT') settled++
      latest.set(execution.id, execution)
      if (execution.updatedAt > this.newest) this.newest = execution.updatedAt
    },
  }
}

describe('no gap', () => {
  it('between a mutation and its subscription, 1,000 times', { timeout: 120_000 }, async () => {
    const socket = service.webSocket()
    const before = await countIdleListeners(service)
    await repeat(ROUNDS, async () => {
      const { id } = await send('reboot')
      const watching = watch(socket, { id })
      let last: ExecutionData | undefined
      for (let one = await watching.next(); one; one = await watching.next()) last = one
      expect(last).toMatchObject({ id, status: 'SUCCEEDED' })
    })
    expect(service.app.listenerCount()).toBe(before)
    await socket.dispose()
  })

  it('where the connection is cut at any moment and resumed with since, again and again', {
    timeout: 120_000,
  }, async () => {
    const known = createKnowledge()
    known.newest = (await send('blink')).updatedAt
    let cuts = 0
    const sending = repeat(COMMANDS, () => send('blink'))
    while (known.settledCount() < COMMANDS + 1) {
      const socket = service.webSocket()
      const cut = connectionOf(socket).then(async (connection) => {
        await sleep(Math.random() * 100)
        connection.terminate()
      })
      const watching = watch(socket, { since: known.newest, filter: { thingId, action: 'blink' } })
      const next = () => watching.next().catch(() => undefined)
      for (let one = await next(); one; one = await next()) known.note(one)
      await cut
      cuts++
    }
    await sending
    expect(cuts).toBeGreaterThan(3)
  })
})
