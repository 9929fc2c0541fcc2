import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt, { type IPublishPacket } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRequestTopic, requestFilter, responseTopic } from '../../src/protocol/topics.ts'
import { type Backend, createBackend } from '../support/backend.ts'
import { type CollectedSpan, type Collector, startCollector } from '../support/collector.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService, startServiceProcess } from '../support/service.ts'

// Read by the SDK: what ends is sent at once.
process.env['OTEL_BSP_SCHEDULE_DELAY'] = '20'
process.env['OTEL_SERVICE_NAME'] = 'fleet-of-tests'

const [INTERNAL, SERVER, PRODUCER, CONSUMER] = [1, 2, 4, 5]

const newTrace = () => ({ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') })
type Trace = ReturnType<typeof newTrace>
const traceparentOf = ({ traceId, spanId }: Trace) => `00-${traceId}-${spanId}-01`

const SEND = `mutation ($input: SendCommandInput!) {
  sendCommand(input: $input) { execution { id } errors { code } }
}`

function post(url: string, headers: Record<string, string>, body: unknown): Promise<Response> {
  const json = { 'content-type': 'application/json', ...headers }
  return fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body) })
}

/** Sends over GraphQL, and gives the executionId; undefined where it was refused. */
async function send(url: string, headers: Record<string, string>, input: object): Promise<string | undefined> {
  const response = await post(`${url}/graphql`, headers, { query: SEND, variables: { input } })
  const { data } = (await response.json()) as { data: { sendCommand: { execution: { id: string } | null } } }
  return data.sendCommand.execution?.id
}

const inTrace =
  ({ traceId }: { traceId: string }) =>
  (span: CollectedSpan) =>
    span.traceId === traceId
const of = (executionId: string | undefined) => (span: CollectedSpan) =>
  span.attributes['fleet_commands.execution_id'] === executionId

describe('a traced command', () => {
  let collector: Collector
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('traced')

  beforeAll(async () => {
    collector = await startCollector()
    // One: only the replica that sent knows where the settling belongs.
    service = await startService({ tracesUrl: collector.url, replicas: 1 })
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId, { answer: () => ({ status: 'SUCCEEDED' }) })
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
    await collector.stop()
  })

  it("is part of its caller's trace, from the request over GraphQL to the settling", async () => {
    const caller = newTrace()
    const executionId = await send(service.url, { traceparent: traceparentOf(caller) }, { thingId, action: 'reboot' })

    const settling = await collector.find('settle execution', of(executionId))
    const request = await collector.find('POST /graphql', inTrace(caller))
    const sending = await collector.find('send command', inTrace(caller))
    const commit = await collector.find('commit execution', inTrace(caller))
    const publishing = await collector.find('publish request', inTrace(caller))
    expect(collector.spans.filter(inTrace(caller))).toHaveLength(5)
    expect([request, sending, commit, publishing, settling].map(({ parentSpanId }) => parentSpanId)).toEqual([
      caller.spanId,
      request.spanId,
      sending.spanId,
      sending.spanId,
      publishing.spanId,
    ])
    expect([request, sending, commit, publishing, settling].map(({ kind }) => kind)).toEqual([
      SERVER,
      INTERNAL,
      INTERNAL,
      PRODUCER,
      CONSUMER,
    ])
    expect(request.attributes).toMatchObject({ 'http.route': '/graphql', 'http.response.status_code': 200 })
    expect(request.resource).toMatchObject({ 'service.name': 'fleet-of-tests' })
    const command = {
      'fleet_commands.execution_id': executionId,
      'fleet_commands.thing_id': thingId,
      'fleet_commands.action': 'reboot',
    }
    const topic = (end: string) => `$emqx/commands/things/${thingId}/executions/${executionId}/${end}`
    expect(sending.attributes).toMatchObject(command)
    expect(publishing.attributes).toMatchObject({
      ...command,
      'messaging.system': 'mqtt',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic('request'),
    })
    expect(settling.attributes).toMatchObject({
      ...command,
      'fleet_commands.status': 'SUCCEEDED',
      'messaging.system': 'mqtt',
      'messaging.operation.type': 'process',
      'messaging.destination.name': topic('response'),
    })
    expect(collector.spans.filter(({ failed }) => failed)).toEqual([])
  })

  it("is part of its caller's trace over REST", async () => {
    const caller = newTrace()
    const headers = { traceparent: traceparentOf(caller), tracestate: 'vendor=value' }
    const response = await post(`${service.url}/api/v1/commands`, headers, { thingId, action: 'reboot' })
    const { executionId } = (await response.json()) as { executionId: string }
    const settling = await collector.find('settle execution', of(executionId))
    const request = await collector.find('POST /api/v1/commands', inTrace(caller))
    const sending = await collector.find('send command', inTrace(caller))
    expect(request).toMatchObject({ parentSpanId: caller.spanId, traceState: 'vendor=value' })
    expect(request.attributes).toMatchObject({ 'http.response.status_code': 201 })
    expect(sending.parentSpanId).toBe(request.spanId)
    expect(settling).toMatchObject({ traceId: caller.traceId, traceState: 'vendor=value' })
  })

  it('begins a trace of its own where the caller names none, or none that is valid', async () => {
    const wrong = ['', 'nonsense', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, 'x'.repeat(4_000)]
    for (const traceparent of wrong) {
      const executionId = await send(service.url, { traceparent }, { thingId, action: 'reboot' })
      const sending = await collector.find('send command', of(executionId))
      const request = await collector.find('POST /graphql', inTrace(sending))
      expect(request.parentSpanId ?? '').toBe('')
      expect(await collector.find('settle execution', of(executionId))).toMatchObject({ traceId: sending.traceId })
    }
  })

  it('is not sent where the caller did not want its trace to be recorded', async () => {
    const caller = newTrace()
    const traceparent = traceparentOf(caller).replace(/01$/, '00')
    const unrecorded = await send(service.url, { traceparent }, { thingId, action: 'reboot' })
    expect(unrecorded).toBeDefined()
    const next = await send(service.url, {}, { thingId, action: 'reboot' })
    await collector.find('settle execution', of(next))
    expect(collector.spans.filter(inTrace(caller))).toEqual([])
  })

  it('says why it was refused', async () => {
    const caller = newTrace()
    const headers = { traceparent: traceparentOf(caller) }
    await send(service.url, headers, { thingId: uniqueName('nobody'), action: 'reboot' })
    const sending = await collector.find('send command', inTrace(caller))
    expect(sending).toMatchObject({ failed: true, attributes: { 'error.type': 'THING_NOT_FOUND' } })
    // The caller's mistake is no failure of the server's.
    expect(await collector.find('POST /graphql', inTrace(caller))).toMatchObject({ failed: false })
    expect(collector.spans.filter(inTrace(caller))).toHaveLength(2)
  })

  it('is settled in its trace when its TTL passes, and when it is canceled', async () => {
    const silent = uniqueName('silent')
    await service.registerThing(silent)
    const [late, canceled] = [newTrace(), newTrace()]
    await send(service.url, { traceparent: traceparentOf(late) }, { thingId: silent, action: 'reboot', ttl: 1 })
    const id = await send(service.url, { traceparent: traceparentOf(canceled) }, { thingId: silent, action: 'reboot' })
    await service.cancel(id ?? '')
    const failed = { 'fleet_commands.status': 'TIMED_OUT', 'error.type': expect.stringMatching(/^NO_/) }
    expect(await collector.find('settle execution', inTrace(late))).toMatchObject({
      kind: INTERNAL,
      failed: true,
      attributes: failed,
    })
    expect(await collector.find('settle execution', inTrace(canceled))).toMatchObject({
      failed: false,
      attributes: { 'fleet_commands.status': 'CANCELED' },
    })
  })

  it('settles a whole batch of responses, each in its own trace', async () => {
    const callers = Array.from({ length: 50 }, newTrace)
    await Promise.all(
      callers.map((caller) =>
        send(service.url, { traceparent: traceparentOf(caller) }, { thingId, action: 'reboot', wait: true }),
      ),
    )
    for (const caller of callers) {
      const publishing = await collector.find('publish request', inTrace(caller))
      const settling = await collector.find('settle execution', inTrace(caller))
      expect(settling.parentSpanId).toBe(publishing.spanId)
    }
  })
})

if (!hasMosquitto) console.warn('no mosquitto binary: traces over MQTT 5 did NOT run')

describe.skipIf(!hasMosquitto)('a traced command over MQTT 5', () => {
  let broker: Mosquitto
  let collector: Collector

  beforeAll(async () => {
    broker = await startMosquitto()
    collector = await startCollector()
  })

  afterAll(async () => {
    await collector.stop()
    await broker.dispose()
  })

  /** A service on this broker, and a thing of MQTT 5 that gives the requests it gets. */
  async function start(tracesUrl: string | undefined) {
    const backend = await createBackend()
    const service = await startService({ backend, mqttUrl: broker.url, tracesUrl, replicas: 1 })
    const thingId = uniqueName('traced')
    await service.registerThing(thingId)
    const client = await mqtt.connectAsync(broker.url, { clientId: thingId, protocolVersion: 5 })
    await client.subscribeAsync(requestFilter(thingId), { qos: 1 })
    const request = new Promise<IPublishPacket>((resolve) =>
      client.once('message', (_topic, _payload, packet) => resolve(packet)),
    )
    const stop = async () => {
      await client.endAsync()
      await service.stop()
      await backend.dispose()
    }
    return { service, thingId, client, request, stop }
  }

  it('tells the thing where it belongs, and is settled as a part of what the thing did', async () => {
    const { service, thingId, client, request, stop } = await start(collector.url)
    const caller = newTrace()
    const headers = { traceparent: traceparentOf(caller), tracestate: 'vendor=value' }
    const executionId = await send(service.url, headers, { thingId, action: 'reboot' })
    const { topic, properties } = await request
    const publishing = await collector.find('publish request', inTrace(caller))
    expect({ ...properties?.userProperties }).toEqual({
      traceparent: traceparentOf(publishing),
      tracestate: 'vendor=value',
    })

    const ofThing = { traceId: caller.traceId, spanId: newTrace().spanId }
    const answer = responseTopic({ thingId, executionId: parseRequestTopic(topic)?.executionId ?? '' })
    await client.publishAsync(answer, '{"status":"FAILED","reason":{"code":"OVERHEATED"}}', {
      qos: 1,
      properties: { userProperties: { traceparent: traceparentOf(ofThing) } },
    })
    expect(await collector.find('settle execution', of(executionId))).toMatchObject({
      traceId: caller.traceId,
      parentSpanId: ofThing.spanId,
      links: [{ traceId: caller.traceId, spanId: publishing.spanId }],
      failed: true,
      attributes: { 'fleet_commands.status': 'FAILED', 'error.type': 'OVERHEATED' },
    })
    await stop()
  })

  it.each([
    ['malformed', { traceparent: 'nonsense' }],
    ['given twice', { traceparent: [traceparentOf(newTrace()), traceparentOf(newTrace())] }],
    ['very long', { traceparent: traceparentOf(newTrace()), tracestate: 'a=b,'.repeat(5_000) }],
  ])('is settled all the same where the context of a response is %s', async (_what, userProperties) => {
    const { service, thingId, client, request, stop } = await start(collector.url)
    const executionId = await send(service.url, {}, { thingId, action: 'reboot' })
    const { topic } = await request
    await client.publishAsync(topic.replace(/request$/, 'response'), '{"status":"SUCCEEDED"}', {
      qos: 1,
      properties: { userProperties },
    })
    const settling = await collector.find('settle execution', of(executionId))
    expect(settling.traceState ?? '').toBe('')
    await stop()
  })

  it('leaves no mark on requests where tracing is off', async () => {
    const { service, thingId, request, stop } = await start(undefined)
    await send(service.url, { traceparent: traceparentOf(newTrace()) }, { thingId, action: 'reboot' })
    const { properties } = await request
    expect(properties?.contentType).toBe('application/json')
    expect(properties?.userProperties).toBeUndefined()
    await stop()
  })
})

describe('a traced service', () => {
  let backend: Backend
  let hook: string

  beforeAll(async () => {
    backend = await createBackend()
    hook = join(backend.settings.dataDir, 'loaded.cjs')
    writeFileSync(
      hook,
      `process.on('exit', () => {
        // Its API is there in any case: prom-client brings it along.
        const loaded = Object.keys(require.cache).filter((file) => /\\/@opentelemetry\\/(?!api\\/)/.test(file))
        require('node:fs').writeSync(2, 'modules of OpenTelemetry: ' + loaded.length + '\\n')
      })`,
    )
  })

  afterAll(() => backend.dispose())

  /** Sends a command, stops the service, and says how long the stop took. */
  async function runOnce(env: Record<string, string>) {
    const service = await startServiceProcess(backend, { NODE_OPTIONS: `--require ${hook}`, LOG_LEVEL: 'info', ...env })
    const thingId = uniqueName('thing')
    await service.registerThing(thingId)
    const executionId = await send(service.url, {}, { thingId, action: 'reboot' })
    const stop = async () => {
      const startedAt = performance.now()
      await service.kill('SIGTERM')
      return performance.now() - startedAt
    }
    return { service, thingId, executionId, stop }
  }

  it('loads nothing of OpenTelemetry where tracing is off', async () => {
    const { service, stop } = await runOnce({ OTEL_SERVICE_NAME: 'fleet', OTEL_TRACES_SAMPLER: 'always_on' })
    await stop()
    expect(service.output()).toContain('modules of OpenTelemetry: 0\n')
  })

  it('sends what is left when it stops', async () => {
    const collector = await startCollector()
    const { service, executionId, stop } = await runOnce({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.replace('v1/traces', ''),
      OTEL_BSP_SCHEDULE_DELAY: '60000',
    })
    expect(collector.spans).toEqual([])
    await stop()
    expect(service.output()).toMatch(/modules of OpenTelemetry: [1-9]/)
    const publishing = await collector.find('publish request', of(executionId))
    expect(publishing.resource).toMatchObject({
      'service.name': 'fleet-commands',
      'service.instance.id': backend.settings.mqttClientId,
    })
    await collector.stop()
  })

  it('takes the share of traces that its sampler is told', async () => {
    const collector = await startCollector()
    const { stop } = await runOnce({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    })
    await stop()
    expect(collector.spans).toEqual([])
    await collector.stop()
  })

  it('works without its collector, says so once, and stops in time', async () => {
    const collector = await startCollector()
    await collector.stop()
    const { service, thingId, stop } = await runOnce({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_TIMEOUT: '200',
      OTEL_BSP_SCHEDULE_DELAY: '20',
    })
    const warnings = () => service.output().split('traces cannot be sent').length - 1
    await expect.poll(warnings, { timeout: 10_000, interval: 20 }).toBe(1)
    for (let n = 0; n < 20; n++) expect(await send(service.url, {}, { thingId, action: 'reboot' })).toBeDefined()
    expect(await stop()).toBeLessThan(10_000)
    expect(warnings()).toBe(1)
  })

  it('stops in time where its collector never answers', async () => {
    const collector = await startCollector({ isSilent: true })
    const { stop } = await runOnce({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url })
    // The rest of the stop, and 2 s of waiting for the collector; its own time-out is 10 s.
    expect(await stop()).toBeLessThan(8_000)
    expect(collector.spans).not.toEqual([])
    await collector.stop()
  })
})
