/** A thing with a good secret that means ill: whatever it tries in the name of another, or of the service, has no effect. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IClientOptions, MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  ALL_REQUESTS,
  ALL_RESPONSES,
  ALL_UPDATES,
  requestFilter,
  requestTopic,
  responseTopic,
} from '../../src/protocol/topics.ts'
import { createBackend } from '../support/backend.ts'
import { runCli } from '../support/cli.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { scrape } from '../support/metrics.ts'
import { freePort, hasMosquitto, startMosquitto } from '../support/mosquitto.ts'
import { uniqueName } from '../support/names.ts'
import { closing, connectOnce, loginOf, publishAnyhow } from '../support/secrets.ts'
import { type Service, startService } from '../support/service.ts'

interface Scene {
  service: Service
  /** Where devices connect. */
  url: string
  serviceClientId: string
  /** An account that is no thing's, where there is one. */
  serviceUser?: string
  logins: Record<string, { username: string; password: string }>
  stop(): Promise<void>
}

const VICTIM = uniqueName('victim')
const MALLORY = uniqueName('mallory')
const FORGED = JSON.stringify({ status: 'SUCCEEDED', result: 'forged' })

if (!hasMosquitto) console.warn('no mosquitto binary: the forgeries on Mosquitto did NOT run')

describe('forgeries on the embedded broker', () => {
  describeForgeries(async () => {
    const service = await startService({ mqttUrl: undefined, replicas: 1 })
    const logins = await registerBoth(service)
    const { mqttUrl: url, config } = service
    return { service, url, serviceClientId: config.mqttClientId, logins, stop: service.stop }
  })
})

describe.runIf(hasMosquitto)('forgeries on Mosquitto with the access list and the passwords that we generate', () => {
  describeForgeries(startOnMosquitto)
})

const registerBoth = async (service: Service): Promise<Scene['logins']> => ({
  [VICTIM]: await loginOf(service, VICTIM),
  [MALLORY]: await loginOf(service, MALLORY),
})

async function startOnMosquitto(): Promise<Scene> {
  const backend = await createBackend()
  const registering = await startService({ backend, mqttUrl: undefined, replicas: 1 })
  const logins = await registerBoth(registering)
  await registering.app.stop()
  const folder = mkdtempSync(join(tmpdir(), 'fc-forgery-'))
  const [passwords, services, acl] = ['passwords', 'services', 'acl'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  execFileSync('mosquitto_passwd', ['-b', '-c', services, 'fleet-commands', 'service-password'])
  const { databaseUrl, dataDir, mqttClientId } = backend.settings
  const env = { DATA_DIR: dataDir, ...(databaseUrl && { DATABASE_URL: databaseUrl }) }
  const written = await runCli(['mosquitto-passwords', '--out', passwords, '--include', services], { cwd: folder, env })
  expect(written).toEqual({ code: 0, stdout: '', stderr: '' })
  writeFileSync(acl, (await runCli(['acl', 'mosquitto'], { cwd: folder })).stdout)
  const devicePort = await freePort()
  const mosquitto = await startMosquitto((port) => [
    'allow_anonymous false',
    `password_file ${passwords}`,
    `acl_file ${acl}`,
    'retain_available false',
    `listener ${port} 127.0.0.1`,
    `listener ${devicePort} 127.0.0.1`,
    'use_username_as_clientid true',
  ])
  const { port } = new URL(mosquitto.url)
  const mqttUrl = `mqtt://fleet-commands:service-password@127.0.0.1:${port}`
  const service = await startService({ backend, mqttUrl, replicas: 1 })
  const stop = async () => {
    await service.stop()
    await mosquitto.dispose()
    await backend.dispose()
    rmSync(folder, { recursive: true })
  }
  const url = `mqtt://127.0.0.1:${devicePort}`
  return { service, url, serviceClientId: mqttClientId, serviceUser: 'fleet-commands', logins, stop }
}

function describeForgeries(startScene: () => Promise<Scene>): void {
  let scene: Scene
  let victim: TestDevice
  let losses: number
  let connections: number | undefined
  const clients: MqttClient[] = []

  beforeAll(async () => {
    scene = await startScene()
    victim = await startTestDevice(scene.url, VICTIM, scene.logins[VICTIM])
    victim.client.on('close', () => (losses += 1))
    losses = 0
    connections = (await scrape(scene.service.url)).value('fleet_commands_broker_connections_total')
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true)
  })
  afterAll(async () => {
    await victim?.client.endAsync(true)
    await scene?.stop()
  })

  async function connect(options: IClientOptions = {}): Promise<MqttClient> {
    const client = await connectOnce(scene.url, { clientId: MALLORY, ...scene.logins[MALLORY], ...options })
    clients.push(client)
    return client
  }

  /** A command to the victim that waits for its answer, while somebody does something. */
  async function whileOpen(attack: (executionId: string) => Promise<unknown>, refusedByService = 0): Promise<void> {
    const before = await countRefused()
    const { execution } = await scene.service.send({ thingId: VICTIM, ttl: 60 })
    const executionId = execution?.id ?? ''
    const received = await victim.nextRequest()
    expect(received.executionId).toBe(executionId)
    await attack(executionId)
    await victim.respond(executionId, { status: 'FAILED', result: 'mine' })
    // What was forged came before it, or else it would be kept as evidence.
    await vi.waitFor(async () =>
      expect(await scene.service.execution(executionId)).toMatchObject({
        status: 'FAILED',
        result: 'mine',
        ignoredResponseCount: 0,
      }),
    )
    expect(await countRefused()).toBe(before + refusedByService)
    expect(victim.requests.at(-1)).toBe(received)
    expect(losses).toBe(0)
    expect((await scrape(scene.service.url)).value('fleet_commands_broker_connections_total')).toBe(connections)
  }

  async function countRefused(): Promise<number> {
    const { samples } = await scrape(scene.service.url)
    const refused = samples.filter(({ name }) => name === 'fleet_commands_responses_refused_total')
    return refused.reduce((sum, { value }) => sum + value, 0)
  }

  it('lets each thing do what is its own', async () => {
    await whileOpen(async () => {})
    const device = await startTestDevice(scene.url, MALLORY, {
      ...scene.logins[MALLORY],
      answer: () => ({ status: 'SUCCEEDED', result: 'my own' }),
    })
    const { execution } = await scene.service.send({ thingId: MALLORY, ttl: 20, wait: true })
    expect(execution).toMatchObject({ status: 'SUCCEEDED', result: 'my own' })
    await device.stop()
  })

  it.each([0, 1] as const)('a response of another thing, with QoS %s', async (qos) => {
    await whileOpen(async (executionId) => {
      const client = await connect()
      await publishAnyhow(client, responseTopic({ thingId: VICTIM, executionId }), FORGED, { qos })
      await settle(client)
    })
  })

  it("a response on its own topic, with another thing's execution", async () => {
    await whileOpen(async (executionId) => {
      const client = await connect()
      await publishAnyhow(client, responseTopic({ thingId: MALLORY, executionId }), FORGED)
      await vi.waitFor(async () => expect(await countRefused()).toBeGreaterThan(0))
    }, 1)
  })

  it('a request, kept by the broker or not', async () => {
    const executionId = '00000000-0000-7000-8000-000000000000'
    const request = JSON.stringify({
      commandId: 'x',
      action: 'reboot',
      params: {},
      timestamp: Date.now() / 1000,
      ttl: 60,
    })
    await whileOpen(async () => {
      for (const retain of [false, true]) {
        const client = await connect()
        await publishAnyhow(client, requestTopic({ thingId: VICTIM, executionId }), request, { retain })
        await settle(client)
      }
      // A retained one would come now.
      await victim.client.subscribeAsync(requestFilter(VICTIM), { qos: 1 })
    })
  })

  it('a retained response of another thing', async () => {
    await whileOpen(async (executionId) => {
      const client = await connect()
      await publishAnyhow(client, responseTopic({ thingId: VICTIM, executionId }), FORGED, { retain: true })
      await settle(client)
    })
  })

  it('a last will on the topic of another thing; on its own topic it says nothing of others either', async () => {
    await whileOpen(async (executionId) => {
      const before = await countRefused()
      for (const thingId of [VICTIM, MALLORY]) {
        const will = { topic: responseTopic({ thingId, executionId }), payload: Buffer.from(FORGED), qos: 1 as const }
        const client = await connect({ will: { ...will, retain: false } })
        const closed = closing(client)
        client.stream.destroy()
        await closed
      }
      // The second one has been passed on, and so the first one has been dealt with.
      await vi.waitFor(async () => expect(await countRefused()).toBe(before + 1), 5_000)
    }, 1)
  })

  it.each([
    ['wildcards', ['#', '$emqx/#', '+/+/+/+/+/+/+', ALL_REQUESTS, ALL_RESPONSES, ALL_UPDATES, requestFilter(VICTIM)]],
    ['a share of what the service hears', [`$share/fleet/${ALL_RESPONSES}`, `$share/fleet/${ALL_REQUESTS}`]],
  ])('a subscription to %s brings nothing of others, and takes nothing away', async (_what, filters) => {
    const client = await connect()
    const heard: string[] = []
    client.on('message', (topic) => heard.push(topic))
    for (const filter of filters) await client.subscribeAsync(filter, { qos: 1 }).catch(() => {})
    await client.subscribeAsync(requestFilter(MALLORY), { qos: 1 })
    await whileOpen(async () => {})
    const { execution } = await scene.service.send({ thingId: MALLORY, ttl: 5 })
    const own = requestTopic({ thingId: MALLORY, executionId: execution?.id ?? '' })
    await vi.waitFor(() => expect(heard).toContain(own), 5_000)
    expect(new Set(heard)).toEqual(new Set([own]))
  })

  it('the client id of the service, which it throws off', async () => {
    await whileOpen(async () => {
      const client = await connect({ clientId: scene.serviceClientId, clean: false }).catch(() => undefined)
      if (client) await settle(client)
    })
  })

  it('the client id of another thing, with its own secret or none', async () => {
    const { password } = scene.logins[MALLORY] ?? {}
    await whileOpen(async (executionId) => {
      for (const login of [
        {},
        { password },
        { username: VICTIM, password },
        { username: undefined, password: undefined },
      ]) {
        const client = await connect({ clientId: VICTIM, ...login }).catch(() => undefined)
        if (!client) continue
        await publishAnyhow(client, responseTopic({ thingId: VICTIM, executionId }), FORGED)
        await settle(client)
      }
    })
  })

  it('no secret at all, or a wrong one', async () => {
    const logins = [
      { password: undefined },
      { password: '' },
      { password: 'wrong' },
      { username: VICTIM },
      ...(scene.serviceUser ? [{ username: scene.serviceUser }] : []),
    ]
    for (const login of logins) {
      const clientId = login.username ?? MALLORY
      await expect(connect({ clientId, ...login })).rejects.toThrow(/bad user ?name|not authorized/i)
    }
  })

  /** The broker has dealt with all that this client sent, or has hung up. */
  async function settle(client: MqttClient): Promise<void> {
    if (!client.connected) return
    const closed = closing(client)
    await Promise.race([closed, client.unsubscribeAsync('nothing').catch(() => {})])
  }
}
