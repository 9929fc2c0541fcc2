import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import { type Client, EXECUTION_FIELDS, type ExecutionData } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type ServiceProcess, startServiceProcess } from '../support/service.ts'

if (!onServices) console.warn('DATABASE_URL and MQTT_URL are not set: responses that wait in a broker did NOT run')

interface Page {
  executions: { nodes: ExecutionData[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }
}

const ANSWER = { status: 'SUCCEEDED', result: 'in time' }

describe('kill -9 and a restart', () => {
  let backend: Backend
  let service: ServiceProcess
  let device: TestDevice
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    backend = await createBackend()
    service = await startServiceProcess(backend)
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId)
  })

  afterAll(async () => {
    await device.stop()
    await service.kill('SIGTERM')
    await backend.dispose()
  })

  /** The service is up again when this resolves: service time counts from here. */
  async function restart(downForMs: number): Promise<number> {
    await service.kill('SIGKILL')
    await sleep(downForMs)
    // On the port from before, where devices look for it.
    service = await startServiceProcess(backend, { MQTT_PORT: new URL(service.mqttUrl).port })
    return Date.now()
  }

  const send = async (ttl: number, key?: string): Promise<ExecutionData> => {
    const { execution, errors } = await service.send({ thingId, ttl, ...(key && { idempotencyKey: key }) })
    if (!execution) throw new Error(JSON.stringify(errors))
    return execution
  }

  async function listAll(client: Client, filter: object = {}): Promise<ExecutionData[]> {
    const all: ExecutionData[] = []
    for (let after: string | null = null, more = true; more; ) {
      const { executions }: Page = await client.query<Page>(
        `query ($filter: ExecutionFilter, $after: String) {
          executions(filter: $filter, first: 100, after: $after) {
            nodes { ${EXECUTION_FIELDS} } pageInfo { hasNextPage endCursor }
          }
        }`,
        { filter: { thingId, ...filter }, after },
      )
      all.push(...executions.nodes)
      more = executions.pageInfo.hasNextPage
      after = executions.pageInfo.endCursor
    }
    return all
  }

  it('open executions are settled by TTL + 1 s of service time, settled ones stay, nothing is sent again', async () => {
    const answered = await Promise.all(Array.from({ length: 10 }, () => send(60)))
    for (const { id } of answered) await device.respond(id, ANSWER)
    await expect.poll(async () => (await listAll(service, { status: 'SUCCEEDED' })).length, { timeout: 5_000 }).toBe(10)
    const canceled = await send(60)
    await service.cancel(canceled.id)
    const open = await Promise.all(Array.from({ length: 60 }, (_, n) => send(2 + (n % 5), `${thingId}-${n}`)))
    await expect.poll(() => device.requests.length, { timeout: 5_000 }).toBe(71)
    const before = (await listAll(service)).filter(({ status }) => status !== 'SENT')

    const upAt = await restart(2_500)
    const lastTtl = Math.max(...open.map(({ expiresAt }) => Date.parse(expiresAt)))
    await expect
      .poll(async () => (await listAll(service, { status: 'SENT' })).length, { timeout: 15_000, interval: 50 })
      .toBe(0)
    expect(Date.now()).toBeLessThanOrEqual(Math.max(upAt, lastTtl) + 1_500)

    const after = new Map((await listAll(service)).map((execution) => [execution.id, execution]))
    for (const execution of before) expect(after.get(execution.id)).toEqual(execution)
    for (const { id } of open) {
      const { status, settledAt, expiresAt } = after.get(id) ?? {}
      expect(status).toBe('TIMED_OUT')
      expect(Date.parse(settledAt ?? '')).toBeLessThanOrEqual(Math.max(upAt, Date.parse(expiresAt ?? '')) + 1_000)
    }
    // A key from before names the execution from before.
    expect((await send(2, `${thingId}-0`)).id).toBe(open[0]?.id)
    expect(device.requests).toHaveLength(71)
  }, 60_000)

  it('what was acknowledged is there after a kill in the middle of sending', async () => {
    const acknowledged: string[] = []
    let down = false
    const senders = Array.from({ length: 4 }, async () => {
      while (!down) {
        await send(60).then(
          ({ id }) => acknowledged.push(id),
          () => (down = true),
        )
      }
    })
    await expect.poll(() => acknowledged.length, { timeout: 15_000 }).toBeGreaterThan(100)
    await restart(0)
    await Promise.all(senders)
    const found = new Set((await listAll(service)).map(({ id }) => id))
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
    // Published before it was acknowledged, and once.
    await expect.poll(() => device.client.connected, { timeout: 5_000 }).toBe(true)
    const requested = device.requests.map(({ executionId }) => executionId)
    expect(new Set(requested).size).toBe(requested.length)
    const unheard = acknowledged.filter((id) => !requested.includes(id))
    if (onServices) expect(unheard).toEqual([])
  }, 60_000)

  it.skipIf(!onServices)(
    'answers that came in time while the service was down count, though the TTL has passed',
    async () => {
      const inTime = await Promise.all(Array.from({ length: 200 }, () => send(6)))
      const silent = await Promise.all(Array.from({ length: 20 }, () => send(6)))
      await service.kill('SIGKILL')
      for (const { id } of inTime) await device.respond(id, ANSWER)
      const firstTtl = Math.min(...inTime.map(({ expiresAt }) => Date.parse(expiresAt)))
      expect(Date.now(), 'the machine is too slow for this test').toBeLessThan(firstTtl)
      await sleep(Math.max(...silent.map(({ expiresAt }) => Date.parse(expiresAt))) + 500 - Date.now())
      service = await startServiceProcess(backend)
      const ids = new Set([...inTime, ...silent].map(({ id }) => id))
      const mine = async (status: string) => (await listAll(service, { status })).filter(({ id }) => ids.has(id)).length
      await expect.poll(() => mine('SENT'), { timeout: 10_000, interval: 50 }).toBe(0)
      expect(await mine('SUCCEEDED')).toBe(200)
      expect(await mine('TIMED_OUT')).toBe(20)
    },
    60_000,
  )

  it('a second process on the same data folder is refused in one clear line', async () => {
    if (onServices) return
    const refused = startServiceProcess(backend).then(
      () => '',
      (error: Error) => error.message,
    )
    expect(await refused).toMatch(/^serve ended with 1: DATA_DIR: got ".*", which process \d+ is using; expected .*\n$/)
    expect((await service.query<{ things: object }>('{ things { nodes { id } } }')).things).toBeDefined()
  })
})
