/** SIGTERM: nobody who was let in is let down, and nothing of a device is lost. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Backend, createBackend, onServices } from '../support/backend.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { readiness, type Service, type ServiceProcess, startService, startServiceProcess } from '../support/service.ts'
import { overSse, watch } from '../support/subscription.ts'

/** Twenty callers in a process of their own, each with a connection of its own, as soon as they are told. */
const TWENTY_CALLERS = `
const { get } = require('node:http')
const call = () => new Promise((resolve) => {
  const url = process.argv[1] + '/healthz'
  get(url, { agent: false }, (answer) => resolve(answer.resume().statusCode)).on('error', ({ code }) => resolve(code))
})
process.stdin.once('data', async () => {
  console.log(JSON.stringify(await Promise.all(Array.from({ length: 20 }, call))))
  process.exit()
})
console.log('ready')
`

const blockLoop = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe('a service that stops', () => {
  let service: Service
  let device: TestDevice
  const thingId = uniqueName('thing')
  const start = async (drainSeconds: number) => {
    service = await startService({ replicas: 1, drainSeconds })
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId)
  }
  afterEach(() => device.stop())

  it('says so at once at /readyz, and serves on for DRAIN_SECONDS, telling clients to leave their connections', async () => {
    await start(1)
    const stopping = service.stop()
    expect(await readiness(service.url)).toEqual({ status: 503, checks: {} })
    expect((await fetch(`${service.url}/healthz`)).headers.get('connection')).toBe('close')
    const answer = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: `mutation { sendCommand(input: { thingId: "${thingId}", action: "x" }) { execution { id } errors { code } } }`,
      }),
    })
    expect(answer.headers.get('connection')).toBe('close')
    expect(await answer.json()).toMatchObject({ data: { sendCommand: { errors: [] } } })
    await stopping
    await expect(fetch(`${service.url}/healthz`)).rejects.toThrow()
  })

  it('answers those who wait, with what is settled meanwhile or with what is open, over HTTP and WebSocket', async () => {
    await start(0)
    const socket = service.webSocket()
    const overSocket = socket.iterate({
      query: `mutation { sendCommand(input: { thingId: "${thingId}", action: "x", wait: true }) { execution { status } errors { code } } }`,
    })
    const answers = [
      service.send({ thingId, wait: true }),
      service.send({ thingId, wait: true }),
      overSocket.next().then(({ value }) => value.data.sendCommand),
    ]
    await expect.poll(() => device.requests.length, { timeout: 15_000 }).toBe(3)
    const startedAt = performance.now()
    const stopping = service.stop()
    // Answered while it stops, one of the three is told of the answer.
    await device.respond(device.requests[0]?.executionId ?? '', { status: 'SUCCEEDED' })
    const statuses = (await Promise.all(answers)).map(({ execution, errors }) => [execution?.status, errors])
    expect(statuses.sort()).toEqual([
      ['SENT', []],
      ['SENT', []],
      ['SUCCEEDED', []],
    ])
    await stopping
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    await socket.dispose()
  })

  it('answers what had reached it, also where it was too busy to look at it yet', async () => {
    await start(0)
    const callers = spawn(process.execPath, ['-e', TWENTY_CALLERS, service.url], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(callers.stdout, 'data')
    await new Promise((resolve) => callers.stdin.write('go', resolve))
    blockLoop(1_000)
    const stopping = service.stop()
    const [statuses] = await once(callers.stdout, 'data')
    expect(JSON.parse(statuses)).toEqual(Array(20).fill(200))
    await stopping
  })

  it('ends subscriptions at once, WebSockets with 1001, after which clients come back elsewhere', async () => {
    await start(0)
    const socket = service.webSocket()
    const closed = new Promise<unknown>((resolve) => socket.on('closed', resolve))
    const watching = watch(socket)
    await socket.iterate({ query: '{ __typename }' }).next()
    const sse = await overSse(service).watch()
    const ends = [watching.next(), sse.next()].map((next) => next.catch(() => 'ended'))
    const startedAt = performance.now()
    await service.stop()
    expect(performance.now() - startedAt).toBeLessThan(7_000)
    expect(await closed).toMatchObject({ code: 1001 })
    expect(await Promise.all(ends)).toEqual(['ended', 'ended'])
  })
})

const ROUNDS = onServices ? 5 : 2
const CALLERS = 8

describe('SIGTERM under load', () => {
  let backend: Backend
  let service: ServiceProcess
  let device: TestDevice
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    backend = await createBackend()
    service = await startServiceProcess(backend, { DRAIN_SECONDS: '1' })
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId, {
      clean: false,
      answer: ({ executionId }) => ({ status: 'SUCCEEDED', result: executionId }),
    })
  })
  afterAll(async () => {
    await device.stop()
    await service.kill('SIGTERM')
    await backend.dispose()
  })

  /** Callers behind a balancer, which asks /readyz and sends nobody any more as soon as that says no. */
  async function callUntilDrained(acknowledged: string[]): Promise<void> {
    let hasLeft = false
    const balancer = (async () => {
      while (!hasLeft) {
        hasLeft = (await readiness(service.url)).status !== 200
        await sleep(20)
      }
    })()
    const callers = Array.from({ length: CALLERS }, async (_, n) => {
      while (!hasLeft) {
        const { execution, errors } = await service.send({ thingId, ttl: 120, wait: n % 2 === 0 })
        expect(errors).toEqual([])
        acknowledged.push(execution?.id ?? 'none')
      }
    })
    await Promise.all([balancer, ...callers])
  }

  async function expectAnswered(id: string): Promise<void> {
    await expect.poll(async () => (await service.execution(id)).status, { timeout: 20_000 }).toBe('SUCCEEDED')
    expect(await service.execution(id)).toMatchObject({ result: id, ignoredResponseCount: 0 })
  }

  it(`fails no request, loses no acknowledged command and no answer, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged: string[] = []
      const calling = callUntilDrained(acknowledged)
      await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(50)
      const exited = once(service.process, 'exit')
      service.process.kill('SIGTERM')
      await calling
      expect(await exited).toEqual([0, null])
      service = await startServiceProcess(backend, { DRAIN_SECONDS: '1', MQTT_PORT: new URL(service.mqttUrl).port })
      const heard = new Set(device.requests.map(({ executionId }) => executionId))
      // The embedded broker keeps nothing: a request may not have left it.
      const sent = acknowledged.filter((id) => onServices || heard.has(id))
      await Promise.all(sent.map(expectAnswered))
    }
  }, 180_000)
})
