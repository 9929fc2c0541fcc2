/** More is sent than can be taken, or the database does not keep up: callers are told at once, and nothing piles up. */
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { startProxy, type Wire } from '../support/proxy.ts'
import { type Service, startService } from '../support/service.ts'

if (!onServices) console.warn('DATABASE_URL and MQTT_URL are not set: sends to a database that is stuck did NOT run')

interface Answer {
  /** Of the execution, or the code of what went wrong, wherever it was said. */
  outcome: string
  tookMs: number
}

interface SendData extends Record<string, unknown> {
  sendCommand: { execution: { status: string } | null; errors: { code: string }[] }
}

const sendOperation = (thingId: string, more: object = {}) => ({
  query: 'mutation ($input: SendCommandInput!) { sendCommand(input: $input) { execution { status } errors { code } } }',
  variables: { input: { thingId, action: 'reboot', ttl: 60, ...more } },
})

function outcomeOf({ data, errors }: { data?: SendData | null; errors?: unknown }): string {
  const { execution, errors: refusals } = data?.sendCommand ?? { execution: null, errors: [] }
  const [failure] = (errors ?? []) as { extensions?: { code?: string } }[]
  return execution?.status ?? refusals[0]?.code ?? failure?.extensions?.code ?? 'nothing'
}

async function send(service: Service, thingId: string, more: object = {}): Promise<Answer> {
  const startedAt = performance.now()
  const { query, variables } = sendOperation(thingId, more)
  const outcome = outcomeOf(await service.request<SendData>(query, variables))
  return { outcome, tookMs: performance.now() - startedAt }
}

const sendMany = (count: number, service: Service, thingId: string, more: object = {}): Promise<Answer>[] =>
  Array.from({ length: count }, () => send(service, thingId, more))

const withOutcome = (answers: Answer[], wanted: string): Answer[] => answers.filter(({ outcome }) => outcome === wanted)

const countExecutions = async (service: Service, thingId: string): Promise<number> => {
  const { executions } = await service.query<{ executions: { nodes: unknown[] } }>(
    'query ($thingId: ID!) { executions(first: 100, filter: { thingId: [$thingId] }) { nodes { id } } }',
    { thingId },
  )
  return executions.nodes.length
}

describe('a burst of more sends than MAX_SENDS', () => {
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    service = await startService({ maxSends: 5, replicas: 1 })
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId)
  })
  afterAll(async () => {
    await device.stop()
    await service.stop()
  })

  it('is taken in part; the rest is refused, of which nothing is recorded or sent', async () => {
    // Over one socket they come in one piece, which no engine is quick enough to work off one by one.
    const socket = service.webSocket()
    const answers = await Promise.all(
      Array.from({ length: 90 }, async () =>
        outcomeOf((await socket.iterate<SendData>(sendOperation(thingId)).next()).value ?? {}),
      ),
    )
    await socket.dispose()
    const taken = answers.filter((outcome) => outcome === 'SENT').length
    expect(taken).toBeGreaterThanOrEqual(5)
    expect(taken).toBeLessThan(90)
    expect(answers.filter((outcome) => outcome === 'OVERLOADED')).toHaveLength(90 - taken)
    expect(await countExecutions(service, thingId)).toBe(taken)
    await expect.poll(() => device.requests.length).toBe(taken)
    for (let n = 0; n < 10; n++) expect((await send(service, thingId)).outcome).toBe('SENT')
  })
})

describe.skipIf(!onServices)('sends to a database that is stuck', () => {
  const MAX_SENDS = 50
  let backend: Backend
  let wire: Wire
  let sql: postgres.Sql
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    backend = await createBackend()
    const { databaseUrl = '' } = backend.settings
    wire = await startProxy(databaseUrl)
    sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
    service = await startService({ backend, databaseUrl: wire.urlOf(databaseUrl), maxSends: MAX_SENDS, replicas: 1 })
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId)
  })
  afterAll(async () => {
    await device.stop()
    await service.stop()
    await sql.end()
    await wire.stop()
    await backend.dispose()
  })
  afterEach(() => wire.restore())

  /** Nothing can be stored until the returned function is called. */
  async function block(): Promise<() => Promise<void>> {
    let release = () => {}
    const isReleased = new Promise<void>((resolve) => {
      release = resolve
    })
    let ended: Promise<unknown> = Promise.resolve()
    await new Promise<void>((resolve, reject) => {
      ended = sql
        .begin(async (transaction) => {
          await transaction`lock table executions_open in access exclusive mode`
          resolve()
          await isReleased
        })
        .catch(reject)
    })
    return async () => {
      release()
      await ended
    }
  }

  it('are refused at once beyond MAX_SENDS, over REST with Retry-After; those within are sent when it goes on', async () => {
    const release = await block()
    const answered: Answer[] = []
    const sends = sendMany(MAX_SENDS + 30, service, thingId)
    for (const one of sends) one.then((answer) => answered.push(answer))
    await expect.poll(() => answered.length).toBe(30)
    expect(withOutcome(answered, 'OVERLOADED')).toHaveLength(30)
    expect(Math.max(...answered.map(({ tookMs }) => tookMs))).toBeLessThan(1_500)

    const response = await fetch(`${service.url}/api/v1/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ thingId, action: 'reboot' }),
    })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ status: 503, code: 'OVERLOADED' })

    await release()
    expect(withOutcome(await Promise.all(sends), 'SENT')).toHaveLength(MAX_SENDS)
    expect(await countExecutions(service, thingId)).toBe(MAX_SENDS)
    await expect.poll(() => device.requests.length).toBe(MAX_SENDS)
    for (let round = 0; round < 5; round++) {
      const next = await Promise.all(sendMany(MAX_SENDS, service, thingId))
      expect(withOutcome(next, 'SENT')).toHaveLength(MAX_SENDS)
    }
  })

  it('are told in time, one after the other, while it holds a lock for long, and work after it', async () => {
    const release = await block()
    const waves: Promise<Answer>[] = []
    for (let wave = 0; wave < 5; wave++) {
      waves.push(...sendMany(5, service, thingId))
      await new Promise((resolve) => setTimeout(resolve, 800))
    }
    for (const { outcome, tookMs } of await Promise.all(waves)) {
      expect(['DATABASE_UNAVAILABLE', 'OVERLOADED']).toContain(outcome)
      expect(tookMs).toBeLessThan(6_500)
    }
    await release()
    await expect.poll(async () => (await send(service, thingId)).outcome, { timeout: 10_000 }).toBe('SENT')
  })

  it('are told in time where it says nothing any more: whose send was not begun is told that nothing was recorded', async () => {
    const key = uniqueName('key')
    wire.silence()
    const begun = send(service, thingId, { idempotencyKey: key })
    await new Promise((resolve) => setTimeout(resolve, 200))
    const [first, behind, repeated] = await Promise.all([
      begun,
      send(service, thingId),
      send(service, thingId, { idempotencyKey: key }),
    ])
    expect(first.outcome).toBe('DATABASE_UNAVAILABLE')
    expect(behind.outcome).toBe('OVERLOADED')
    expect(['DATABASE_UNAVAILABLE', 'OVERLOADED']).toContain(repeated.outcome)
    for (const { tookMs } of [first, behind, repeated]) expect(tookMs).toBeLessThan(6_500)
    await wire.restore()
    await expect.poll(async () => (await send(service, thingId)).outcome, { timeout: 10_000 }).toBe('SENT')
    expect((await send(service, thingId, { idempotencyKey: key })).outcome).toBe('SENT')
  })
})

describe.skipIf(!onServices)('sends with large params to a database that is stuck', () => {
  it('are bounded by their bytes, too', async () => {
    const service = await startService({ replicas: 1 })
    const thingId = uniqueName('thing')
    await service.registerThing(thingId)
    const sql = postgres(service.config.databaseUrl ?? '', { max: 1, onnotice: () => {} })
    const params = { text: 'x'.repeat(200_000) }
    const answers = await sql.begin(async (transaction) => {
      await transaction`lock table executions_open in access exclusive mode`
      return Promise.all(sendMany(250, service, thingId, { params }))
    })
    // 32 MB of 200 KB each.
    const refused = withOutcome(answers, 'OVERLOADED').filter(({ tookMs }) => tookMs < 4_500)
    expect(refused.length).toBeGreaterThanOrEqual(250 - 167)
    await sql.end()
    await service.stop()
  })
})
