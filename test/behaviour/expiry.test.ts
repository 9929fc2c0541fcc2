import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executions } from '../../src/db/schema.ts'
import type { Execution } from '../../src/domain/execution.ts'
import { DUE_SOON, startExpiry } from '../../src/domain/expiry.ts'
import { settleExecutions } from '../../src/domain/settle.ts'
import { onServices } from '../support/backend.ts'
import { type Domain, insertOpen, openDomain, readExecutions } from '../support/domain.ts'
import { hasMosquitto, startMosquitto } from '../support/mosquitto.ts'
import { uniqueName } from '../support/names.ts'
import { startProxy } from '../support/proxy.ts'
import { type Service, startService } from '../support/service.ts'

if (!onServices)
  console.warn('DATABASE_URL and MQTT_URL are not set: what an idle service costs Postgres was NOT measured')

const SYNC = Buffer.from([0x53, 0, 0, 0, 4])

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

describe('expiry, through the service', () => {
  let service: Service
  const thingId = uniqueName('offline')

  beforeAll(async () => {
    service = await startService()
    await service.registerThing(thingId)
  })

  afterAll(() => service.stop())

  it('two hundred TTLs of 1 to 3 seconds end in time: 250 ms late at the median, 1 s at worst', async () => {
    const sent: string[] = []
    for (let round = 0; round < 20; round++) {
      const sends = Array.from({ length: 10 }, (_, n) => service.send({ thingId, ttl: 1 + ((round + n) % 3) }))
      for (const { execution } of await Promise.all(sends)) sent.push(execution?.id ?? '')
    }
    await expect
      .poll(
        async () => {
          const { executions } = await service.query<{ executions: { nodes: { id: string }[] } }>(
            'query ($thingId: [ID!]) { executions(filter: { thingId: $thingId, status: SENT }) { nodes { id } } }',
            { thingId },
          )
          return executions.nodes.length
        },
        { timeout: 10_000, interval: 200 },
      )
      .toBe(0)
    const rows = await Promise.all(sent.map((id) => service.execution(id)))
    for (const { status, statusReason } of rows) {
      expect(status).toBe('TIMED_OUT')
      expect(statusReason?.code).toBe('NO_SUBSCRIBER')
    }
    const lateness = rows.map(({ settledAt, expiresAt }) => Date.parse(settledAt ?? '') - Date.parse(expiresAt))
    console.info(`lateness of expiry: median ${median(lateness)} ms, worst ${Math.max(...lateness)} ms`)
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0)
    expect(median(lateness)).toBeLessThanOrEqual(250)
    expect(Math.max(...lateness)).toBeLessThanOrEqual(1_000)
  })

  it.skipIf(!onServices || !hasMosquitto)('an idle service asks Postgres at most three times a second', async () => {
    const { backend } = service
    const wire = await startProxy(backend.settings.databaseUrl ?? '')
    // On the shared broker it would hear the responses of every other test.
    const broker = await startMosquitto()
    const settings = {
      ...backend.settings,
      databaseUrl: wire.urlOf(backend.settings.databaseUrl ?? ''),
      mqttUrl: broker.url,
      mqttClientId: uniqueName('idle'),
    }
    const idle = await startService({ backend: { ...backend, settings }, replicas: 1 })
    await sleep(1_500)
    let queries = 0
    // Each query ends with a Sync, which is always the same five bytes.
    wire.onSent((chunk) => {
      for (let at = chunk.indexOf(SYNC); at >= 0; at = chunk.indexOf(SYNC, at + 1)) queries += 1
    })
    await sleep(5_000)
    console.info(`an idle service: ${queries / 5} queries a second`)
    expect(queries).toBeGreaterThan(5)
    // Twice what is due, once the API keys; and whatever comes every ten seconds.
    expect(queries).toBeLessThanOrEqual(17)
    await idle.stop()
    await wire.stop()
    await broker.dispose()
  })
})

describe('expiry, of many at once', () => {
  let domain: Domain
  const thingId = uniqueName('many')

  beforeAll(async () => {
    domain = await openDomain()
  })

  afterAll(() => domain.stop())

  it('five thousand that end within one second are settled soon after', async () => {
    const { ctx } = domain
    const count = 5_000
    const ids: string[] = []
    for (let n = 0; n < count; n += 500) {
      const expiresIn = Array.from({ length: 500 }, () => 4_000 - (n / 500) * 150 + Math.random() * 1_000)
      ids.push(...(await insertOpen(ctx, thingId, expiresIn)))
    }
    const stop = startExpiry(ctx)
    const countOpen = () => ctx.db.$count(executions, sql`status = 'SENT' and thing_id = ${thingId}`)
    await expect.poll(countOpen, { timeout: 20_000, interval: 200 }).toBe(0)
    await stop()
    const lateness = (await readExecutions(ctx, ids)).map(
      ({ settledAt, expiresAt }) => (settledAt?.getTime() ?? Number.NaN) - expiresAt.getTime(),
    )
    console.info(`${count} at once: median ${median(lateness)} ms late, worst ${Math.max(...lateness)} ms`)
    expect(lateness).toHaveLength(count)
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...lateness)).toBeLessThanOrEqual(3_000)
  }, 60_000)

  it('replicas share what is due: each execution is settled by one of them', async () => {
    const { ctx } = domain
    const other = onServices ? await openDomain({ backend: domain.backend, replica: 'other' }) : undefined
    const settled: string[] = []
    for (const { live } of other ? [ctx, other.ctx] : [ctx]) {
      live.listen({}, { onChange: ({ id, status }) => status === 'TIMED_OUT' && settled.push(id), onGap: () => {} })
    }
    const ids: string[] = []
    for (let n = 0; n < 10; n++) ids.push(...(await insertOpen(ctx, thingId, Array(500).fill(2_000))))
    const stops = [startExpiry(ctx), ...(other ? [startExpiry(other.ctx)] : [])]
    await expect.poll(() => settled.length, { timeout: 20_000, interval: 100 }).toBe(ids.length)
    expect(settled.sort()).toEqual(ids.sort())
    for (const stop of stops) await stop()
    const by = new Set((await readExecutions(ctx, ids)).map(({ settledBy }) => settledBy))
    expect(by.size).toBe(other ? 2 : 1)
    await other?.stop()
  }, 60_000)

  it.each([
    { what: 'waits for responses that are at hand', busyMs: 750, status: 'SUCCEEDED' },
    { what: 'waits for no response longer than the second', busyMs: 5_000, status: 'TIMED_OUT' },
  ] as const)('once it begins, $what', async ({ busyMs, status }) => {
    const { ctx } = domain
    const [executionId = ''] = await insertOpen(ctx, thingId, [-10])
    const settled = new Promise<Execution>((resolve) => {
      ctx.live.listen({ executionId }, { onChange: resolve, onGap: () => {} })
    })
    const startedAt = performance.now()
    const isBusy = () => performance.now() - startedAt < busyMs
    const gateway = { ...ctx.gateway, waitingResponses: () => (isBusy() ? 1 : 0) }
    const stop = startExpiry({ ...ctx, gateway })
    const response = sleep(busyMs - 50).then(() => settleExecutions(ctx, [{ executionId, status: 'SUCCEEDED' }]))
    expect(await settled).toMatchObject({ status })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    await response
    await stop()
  })

  it('those that end tomorrow cost a look nothing: it reads the index up to now only', async () => {
    const { ctx } = domain
    await ctx.db.execute(sql`
      insert into executions (thing_id, action, params, ttl, expires_at)
      select ${thingId}, 'reboot', '{}', 86400, now() + interval '1 day' from generate_series(1, 20000)`)
    await ctx.db.execute(sql`analyze executions`)
    const plan = await ctx.db.execute(sql`explain (analyze, format json) ${sql.raw(DUE_SOON.replace('$1', '0.5'))}`)
    const text = JSON.stringify(plan)
    expect(text).toMatch(/"Index Name":"executions_due"/)
    expect(text).toMatch(/"Index Cond":"\(expires_at < /)
    expect(text).not.toMatch(/"Rows Removed by Filter":[1-9]\d\d/)
  }, 60_000)
})
