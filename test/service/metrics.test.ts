/** What /metrics says, before and after things happen; and that dashboard, alerts and handbook speak of what is there. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { onServices } from '../support/backend.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { metricOf, type Scrape, scrape } from '../support/metrics.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { watch } from '../support/subscription.ts'

const file = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

let service: Service
let device: TestDevice
const thingId = uniqueName('thing')

beforeAll(async () => {
  service = await startService({ replicas: 1 })
  await service.registerThing(thingId)
  device = await startTestDevice(service.mqttUrl, thingId)
})

afterAll(async () => {
  await device.stop()
  await service.stop()
})

const look = () => scrape(service.url)

async function sendOne(ttl = 60): Promise<string> {
  const { execution } = await service.send({ thingId, ttl })
  return execution?.id ?? ''
}

describe('/metrics', () => {
  it('is Prometheus text, in which everything is described and begins at zero', async () => {
    const first = await look()
    expect(first.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
    const metrics = new Set(first.samples.map(({ name }) => (first.described.has(name) ? name : metricOf(name))))
    expect([...metrics].filter((name) => !first.described.has(name))).toEqual([])
    const own = [...first.described].filter((name) => !/^(process|nodejs)_/.test(name))
    expect(own.filter((name) => !name.startsWith('fleet_commands_'))).toEqual([])
    expect(first.value('fleet_commands_sends_total', { outcome: 'BROKER_UNAVAILABLE' })).toBe(0)
    expect(first.value('fleet_commands_settlings_total', { status: 'CANCELED' })).toBe(0)
    expect(first.value('fleet_commands_broker_up')).toBe(1)
    expect(first.value('fleet_commands_broker_connections_total')).toBe(1)
    expect(first.value('fleet_commands_database_up')).toBe(1)
    expect(first.value('nodejs_eventloop_lag_p99_seconds')).toBeTypeOf('number')
    if (onServices) expect(first.value('fleet_commands_database_connections', { state: 'open' })).toBeGreaterThan(0)
  })

  it('counts a send, its answer, and one that was refused', async () => {
    const before = await look()
    const id = await sendOne()
    await device.respond(id, { status: 'SUCCEEDED' })
    await expect.poll(async () => (await service.execution(id)).status).toBe('SUCCEEDED')
    await service.send({ thingId, ttl: 0 })
    const growth = growthSince(before, await look())
    expect(growth('fleet_commands_sends_total', { outcome: 'SENT' })).toBe(1)
    expect(growth('fleet_commands_sends_total', { outcome: 'TTL_OUT_OF_RANGE' })).toBe(1)
    expect(growth('fleet_commands_settlings_total', { status: 'SUCCEEDED' })).toBe(1)
    expect(growth('fleet_commands_round_trip_seconds_count', { status: 'SUCCEEDED' })).toBe(1)
    expect(growth('fleet_commands_round_trip_seconds_sum', { status: 'SUCCEEDED' })).toBeGreaterThan(0)
    expect(growth('fleet_commands_round_trip_seconds_sum', { status: 'SUCCEEDED' })).toBeLessThan(30)
    expect(growth('fleet_commands_batch_size_count', { of: 'sends' })).toBe(1)
    expect((await look()).value('fleet_commands_sends_under_way')).toBe(0)
  })

  it('counts a timeout with its lateness, the late answer, and what was no answer at all', async () => {
    const before = await look()
    const id = await sendOne(1)
    await expect.poll(async () => (await service.execution(id)).status, { timeout: 5_000 }).toBe('TIMED_OUT')
    await device.respond(id, { status: 'SUCCEEDED' })
    await device.respondRaw(id, 'no JSON')
    await expect.poll(async () => (await service.execution(id)).ignoredResponseCount).toBe(2)
    const growth = growthSince(before, await look())
    expect(growth('fleet_commands_settlings_total', { status: 'TIMED_OUT' })).toBe(1)
    expect(growth('fleet_commands_expiry_lateness_seconds_count')).toBe(1)
    // On a shared broker other tests' answers are heard, too, but none of their executions is known here.
    expect(growth('fleet_commands_responses_ignored_total', { cause: 'LATE' })).toBe(1)
    expect(growth('fleet_commands_responses_refused_total', { cause: 'MALFORMED' })).toBe(1)
  })

  it('shows who listens', async () => {
    const before = await look()
    const socket = service.webSocket()
    const watching = watch(socket, { id: await sendOne() })
    await watching.next()
    const growth = growthSince(before, await look())
    expect(growth('fleet_commands_listeners')).toBe(1)
    expect(growth('fleet_commands_websocket_connections', { path: '/graphql' })).toBe(1)
    await socket.dispose()
  })

  it('has no label whose values come from callers or devices', async () => {
    await service.send({ thingId, action: uniqueName('action'), ttl: 60 })
    const { samples } = await look()
    const labels = new Set(
      samples.filter(({ name }) => name.startsWith('fleet_')).flatMap((one) => Object.keys(one.labels)),
    )
    expect([...labels].sort()).toEqual(
      ['cause', 'le', 'of', 'outcome', 'path', 'state', 'status'].filter((label) => onServices || label !== 'state'),
    )
    expect(JSON.stringify(samples)).not.toContain(thingId)
    expect(JSON.stringify(samples)).not.toContain('action-')
  })
})

interface Rule {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: { summary: string; description: string; runbook_url: string }
}

describe('what operators are given', () => {
  const dashboard = file('ops/grafana-dashboard.json')
  const rules = (parse(file('ops/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules)

  it('names metrics that the service has, and all of its own are on the dashboard', async () => {
    const { described } = await look()
    const exists = (name: string) => described.has(name) || described.has(metricOf(name))
    const named = namesIn(`${dashboard} ${rules.map(({ expr }) => expr).join(' ')}`)
    expect(named.length).toBeGreaterThan(15)
    // The embedded database has no connections.
    const absent = onServices ? /^$/ : /^fleet_commands_database_(connections|statements_under_way)$/
    expect(named.filter((name) => !exists(name) && !absent.test(name))).toEqual([])
    const shown = new Set(namesIn(dashboard).flatMap((name) => [name, metricOf(name)]))
    expect([...described].filter((name) => name.startsWith('fleet_commands_') && !shown.has(name))).toEqual([])
  })

  it('explains each alert in a section of docs/operations.md', () => {
    const headings = [...file('docs/operations.md').matchAll(/^#+ (.+)$/gm)].map(([, text]) => text)
    expect(rules.length).toBeGreaterThan(8)
    for (const { alert, labels, annotations } of rules) {
      expect(headings).toContain(alert)
      expect(annotations.runbook_url).toMatch(new RegExp(`docs/operations\\.md#${alert.toLowerCase()}$`))
      expect(annotations.summary).toMatch(/\w/)
      expect(labels.severity).toMatch(/^(critical|warning)$/)
    }
  })
})

function growthSince(before: Scrape, after: Scrape) {
  return (name: string, labels?: Record<string, string>): number =>
    (after.value(name, labels) ?? Number.NaN) - (before.value(name, labels) ?? 0)
}

const namesIn = (text: string): string[] => [...new Set(text.match(/\b(fleet_commands|nodejs|process)_[a-z0-9_]+/g))]
