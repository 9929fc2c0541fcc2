/** How much one caller, and one thing, may have: commands a second, and subscriptions at a time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scrape } from '../support/metrics.ts'
import { uniqueName } from '../support/names.ts'
import { post } from '../support/raw-http.ts'
import { type Service, startService } from '../support/service.ts'
import { overSse, overWebSocket } from '../support/subscription.ts'

interface Sent {
  execution: { id: string } | null
  errors: { code: string; message: string; retryAfterMs: number | null }[]
}

const SEND = `mutation ($input: SendCommandInput!) {
  sendCommand(input: $input) { execution { id } errors { code message retryAfterMs } }
}`

async function send(service: Service, input: Record<string, unknown>): Promise<Sent> {
  const variables = { input: { action: 'reboot', ...input } }
  return (await service.query<{ sendCommand: Sent }>(SEND, variables)).sendCommand
}

/** So many at once. Sent, refused, and how many seconds it took: as many more may have been let in. */
async function flood(service: Service, count: number, inputOf: (n: number) => Record<string, unknown>) {
  const startedAt = performance.now()
  const outcomes = await Promise.all(Array.from({ length: count }, (_, n) => send(service, inputOf(n))))
  const seconds = (performance.now() - startedAt) / 1000
  const refused = outcomes.flatMap(({ execution, errors }) => (execution ? [] : errors))
  return { sent: outcomes.length - refused.length, refused, seconds }
}

describe('RATE_LIMIT_THING', () => {
  let service: Service
  const thingId = uniqueName('thing')
  const other = uniqueName('thing')

  // Each replica counts for itself.
  beforeAll(async () => {
    service = await startService({ rateLimitThing: 1, replicas: 1 })
    await service.registerThing(thingId)
    await service.registerThing(other)
  })

  afterAll(() => service.stop())

  it('lets two seconds of commands through at once, and refuses the rest, saying when to come again', async () => {
    const first = await send(service, { thingId, idempotencyKey: `${thingId}-1` })
    expect(first.errors).toEqual([])
    const { sent, refused, seconds } = await flood(service, 30, () => ({ thingId }))
    expect(sent).toBeLessThanOrEqual(2 + Math.ceil(seconds))
    expect(refused).not.toEqual([])
    for (const error of refused) {
      expect(error).toMatchObject({
        code: 'RATE_LIMITED',
        message: expect.stringContaining(`${error.retryAfterMs} ms`),
      })
      expect(error.retryAfterMs).toBeGreaterThan(0)
      expect(error.retryAfterMs).toBeLessThanOrEqual(1_000)
    }

    // What was sent is answered; nothing is sent for it.
    const repeated = await Promise.all(
      Array.from({ length: 10 }, () => send(service, { thingId, idempotencyKey: `${thingId}-1` })),
    )
    expect(repeated).toEqual(Array.from({ length: 10 }, () => first))
    expect((await send(service, { thingId: other })).errors).toEqual([])
  })

  it('records nothing of what it refuses, and counts it', async () => {
    const { sent } = await flood(service, 20, () => ({ thingId: other }))
    const { executions } = await service.query<{ executions: { nodes: unknown[] } }>(
      `{ executions(filter: { thingId: "${other}" }, first: 100) { nodes { id } } }`,
    )
    expect(executions.nodes).toHaveLength(sent + 1)
    const { value } = await scrape(service.url)
    expect(value('fleet_commands_sends_total', { outcome: 'RATE_LIMITED' })).toBeGreaterThan(0)
  })

  it('says over REST when to come again: 429 with Retry-After', async () => {
    const ask = () =>
      fetch(`${service.url}/api/v1/commands`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ thingId, action: 'reboot' }),
      })
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    const refused = answers.find(({ status }) => status !== 201)
    expect(refused?.status).toBe(429)
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect(await refused?.json()).toMatchObject({ code: 'RATE_LIMITED', status: 429 })
  })

  it('takes commands again after the time it said', async () => {
    await expect
      .poll(async () => (await send(service, { thingId })).errors, { timeout: 10_000, interval: 200 })
      .toEqual([])
  })
})

describe('RATE_LIMIT_KEY', () => {
  it('is for all things of one caller together', async () => {
    const service = await startService({ rateLimitKey: 2, replicas: 1 })
    const things = Array.from({ length: 20 }, () => uniqueName('thing'))
    for (const thing of things) await service.registerThing(thing)
    const { sent, refused, seconds } = await flood(service, 20, (n) => ({ thingId: things[n] }))
    expect(sent).toBeLessThanOrEqual(4 + Math.ceil(2 * seconds))
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['RATE_LIMITED']))
    await service.stop()
  })
})

describe('MAX_SUBSCRIPTIONS', () => {
  let service: Service

  beforeAll(async () => {
    service = await startService({ maxSubscriptions: 3, replicas: 1 })
  })

  afterAll(() => service.stop())

  const REFUSED = /TOO_MANY_SUBSCRIPTIONS/

  /** Whether a subscription more is refused, of executions and of things, over each door. */
  async function expectFull(): Promise<void> {
    const socket = overWebSocket(service)
    await expect((await socket.watch()).next()).rejects.toThrow(REFUSED)
    await socket.close()
    for (const query of ['subscription { executionUpdated { id } }', 'subscription { thingUpdated { id } }']) {
      const { text } = await post(service.url, { query }, { accept: 'text/event-stream' })
      expect(text).toMatch(REFUSED)
    }
  }

  it('counts them over all doors and sockets, and has room again when one ends', async () => {
    for (let round = 0; round < 3; round++) {
      const [one, two, three] = [overWebSocket(service), overWebSocket(service), overSse(service)]
      const first = await one.watch()
      await two.watch()
      await three.watch()
      await expectFull()
      await first.stop()
      const again = overSse(service)
      await expect
        .poll(async () => {
          const { text } = await post(
            service.url,
            { query: 'subscription { executionUpdated(id: "x") { id } }' },
            { accept: 'text/event-stream' },
          )
          return text
        })
        .toMatch(/EXECUTION_NOT_FOUND/)
      await again.watch()
      await expectFull()
      for (const each of [one, two, three, again]) await each.close()
      await expect.poll(() => service.app.listenerCount()).toBe(0)
    }
  })

  it('does not count those who wait for one execution, nor what is refused for another reason', async () => {
    const thingId = uniqueName('thing')
    await service.registerThing(thingId)
    const waiting = Array.from({ length: 6 }, () =>
      service.query(
        'mutation ($input: SendCommandInput!) { sendCommand(input: $input) { execution { status } errors { code } } }',
        { input: { thingId, action: 'reboot', ttl: 1, wait: true } },
      ),
    )
    for (const answer of await Promise.all(waiting))
      expect(answer).toEqual({ sendCommand: { execution: { status: 'TIMED_OUT' }, errors: [] } })
    const unknown = { query: 'subscription { executionUpdated(id: "x") { id } }' }
    for (let n = 0; n < 10; n++) {
      const { text } = await post(service.url, unknown, { accept: 'text/event-stream' })
      expect(text).toMatch(/EXECUTION_NOT_FOUND/)
    }
  })
})
