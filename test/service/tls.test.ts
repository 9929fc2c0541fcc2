/** TLS on all ways: callers to the service, devices to the embedded broker, the service to a broker of others. */
import { once } from 'node:events'
import { request } from 'node:https'
import { createClient as createWsClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { MqttTls } from '../../src/base/config-tls.ts'
import { requestFilter } from '../../src/protocol/topics.ts'
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  mosquittoWithTls,
  trusting,
} from '../support/certificates.ts'
import { runCli, startCli } from '../support/cli.ts'
import { startTestDevice } from '../support/device.ts'
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts'
import { uniqueName } from '../support/names.ts'
import { connectOnce, loginOf } from '../support/secrets.ts'
import { readiness, type Service, startService, untilReady } from '../support/service.ts'

let authority: Authority
let strangers: Authority
let server: IssuedCertificate
let client: IssuedCertificate
let foreign: IssuedCertificate

beforeAll(() => {
  authority = createAuthority()
  strangers = createAuthority('Another CA')
  server = authority.issue('server')
  client = authority.issue('client')
  foreign = strangers.issue('foreign')
})
afterAll(() => {
  authority?.remove()
  strangers?.remove()
})

if (!hasMosquitto) console.warn('no mosquitto binary: TLS to a Mosquitto was NOT tested')

describe('HTTPS', () => {
  let service: Service
  let mqttUrl: string
  beforeAll(async () => {
    service = await startService({ tls: server, mqttUrl: undefined, replicas: 1 })
    mqttUrl = service.mqttUrl
  })
  afterAll(() => service?.stop())

  /** What the last answer said of coming back. */
  let hsts: unknown

  /** fetch knows no CA but those of Node. */
  const post = (path: string, body: unknown) =>
    new Promise<string>((resolve, reject) => {
      const options = { method: 'POST', ca: authority.ca, headers: { 'content-type': 'application/json' } }
      const sending = request(`${service.url}${path}`, options, async (response) => {
        hsts = response.headers['strict-transport-security']
        resolve((await response.setEncoding('utf8').toArray()).join(''))
      })
      sending.on('error', reject).end(JSON.stringify(body))
    })

  it('is what the port speaks, and says of itself', async () => {
    expect(service.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    expect(await post('/graphql', { query: '{ __typename }' })).toBe('{"data":{"__typename":"Query"}}')
    expect(hsts).toBe('max-age=31536000')
    hsts = undefined
    await post('/api/v1/commands', {})
    expect(hsts).toBe('max-age=31536000')
    await expect(fetch(`${service.url.replace('https', 'http')}/healthz`)).rejects.toThrow()
    await expect(fetch(`${service.url}/healthz`)).rejects.toThrow()
  })

  it('carries GraphQL and MQTT over WebSockets, for pages that came with TLS', async () => {
    const url = service.url.replace('https', 'wss')
    const socket = createWsClient({ url: `${url}/graphql`, webSocketImpl: trusting(authority.ca), retryAttempts: 0 })
    const first = await socket.iterate({ query: '{ __typename }' }).next()
    expect(first.value?.data).toEqual({ __typename: 'Query' })
    await socket.dispose()

    const thingId = uniqueName('page')
    await post('/graphql', { query: `mutation { registerThing(input: { id: "${thingId}" }) { errors { code } } }` })
    const device = await connectOnce(`${url}/mqtt`, { clientId: thingId, ca: authority.ca })
    expect(await device.subscribeAsync(requestFilter(thingId), { qos: 1 })).toMatchObject([{ qos: 1 }])
    await device.endAsync()
    await expect(connectOnce(`${url}/mqtt`, { clientId: thingId, ca: strangers.ca })).rejects.toThrow()
    expect(mqttUrl).toMatch(/^mqtt:/)

    const { host } = new URL(url)
    const statusOf = async (origin: string) => {
      const page = new WebSocket(`${url}/graphql`, 'graphql-transport-ws', { ca: authority.ca, headers: { origin } })
      page.on('error', () => {})
      const [what, response] = await Promise.race([
        once(page, 'open').then(() => ['open'] as const),
        once(page, 'unexpected-response').then(([, refused]) => ['refused', refused] as const),
      ])
      page.terminate()
      return what === 'open' ? 101 : response.statusCode
    }
    expect(await statusOf(`https://${host}`)).toBe(101)
    expect(await statusOf(`http://${host}`)).toBe(403)
  })
})

describe('MQTT with TLS on the embedded broker', () => {
  const start = (ca: string | undefined) =>
    startService({ mqttUrl: undefined, replicas: 1, mqttTls: { ca, certificate: server } })

  const tlsUrlOf = ({ app }: Service) =>
    `mqtts://127.0.0.1:${app.broker.kind === 'embedded' ? app.broker.tls?.port : 'none'}`

  it('is a second door with the same rules', async () => {
    const service = await start(undefined)
    const url = tlsUrlOf(service)
    const thingId = uniqueName('tls')
    const login = await loginOf(service, thingId)
    const device = await startTestDevice(url, thingId, {
      ...login,
      ca: authority.ca,
      answer: () => ({ status: 'SUCCEEDED' }),
    })
    const { execution } = await service.send({ thingId, ttl: 20, wait: true })
    expect(execution?.status).toBe('SUCCEEDED')
    await device.stop()
    await expect(connectOnce(url, { clientId: thingId, ...login, ca: strangers.ca })).rejects.toThrow(/certificate/)
    await expect(connectOnce(url, { clientId: thingId, ca: authority.ca })).rejects.toThrow(/Bad username or password/)
    await expect(connectOnce(url.replace('mqtts', 'mqtt'), { clientId: thingId, ...login })).rejects.toThrow()
    await service.stop()
  })

  it('with a CA wants a certificate that it signed; the reference device has one to show', async () => {
    const service = await start(authority.ca)
    const url = tlsUrlOf(service)
    const thingId = uniqueName('tls')
    await service.registerThing(thingId)
    const options = { clientId: thingId, ca: authority.ca }
    await expect(connectOnce(url, options)).rejects.toThrow()
    await expect(connectOnce(url, { ...options, cert: foreign.cert, key: foreign.key })).rejects.toThrow()
    const args = ['device', thingId, '--url', url, '--ca', authority.caFile]
    const device = startCli([...args, '--cert', client.certFile, '--key', client.keyFile], { cwd: authority.folder })
    await device.shows(/connected/i)
    const { execution } = await service.send({ thingId, ttl: 20, wait: true })
    expect(execution?.status).toBe('SUCCEEDED')
    expect(await device.stop()).toBe(0)
    await service.stop()
    const { code, stderr } = await runCli([...args, '--cert', '/no/such/file'], { cwd: authority.folder })
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no\/such\/file.*expected a file/),
    })
  })
})

describe.runIf(hasMosquitto)('TLS to a Mosquitto', () => {
  let mosquitto: Mosquitto
  let url: string
  beforeAll(async () => {
    mosquitto = await startMosquitto(mosquittoWithTls(authority, server))
    url = mosquitto.url.replace('mqtt:', 'mqtts:')
  })
  afterAll(() => mosquitto?.dispose())

  async function withService(mqttTls: MqttTls | undefined, use: (service: Service) => Promise<void>): Promise<void> {
    const service = await startService({ mqttUrl: url, mqttTls, replicas: 1 })
    await use(service).finally(service.stop)
  }

  it('with its CA and our certificate carries commands', async () => {
    await withService({ ca: authority.ca, certificate: client }, async (service) => {
      await untilReady(service, 200)
      const thingId = uniqueName('tls')
      await service.registerThing(thingId)
      const { ca } = authority
      const device = await startTestDevice(url, thingId, {
        ca,
        cert: client.cert,
        key: client.key,
        answer: () => ({ status: 'SUCCEEDED' }),
      })
      const { execution } = await service.send({ thingId, ttl: 20, wait: true })
      expect(execution?.status).toBe('SUCCEEDED')
      await device.stop()
    })
  })

  it.each([
    ['a CA that did not sign its certificate', () => ({ ca: strangers.ca, certificate: client }), /MQTT_TLS_CA_FILE/],
    ['no CA', () => undefined, /certificate of the broker is not accepted.*MQTT_TLS_CA_FILE/],
  ])('with %s says so at /readyz, and sends nothing', async (_what, tls, problem) => {
    await withService(tls(), async (service) => {
      const { status, checks } = await readiness(service.url)
      expect({ status, broker: checks['broker'] }).toEqual({ status: 503, broker: expect.stringMatching(problem) })
      const thingId = uniqueName('tls')
      await service.registerThing(thingId)
      expect((await service.send({ thingId })).errors).toMatchObject([{ code: 'BROKER_UNAVAILABLE' }])
    })
  })

  it('that has none at this port says so at /readyz', async () => {
    const plain = await startMosquitto()
    const service = await startService({ mqttUrl: plain.url.replace('mqtt:', 'mqtts:'), replicas: 1 })
    const { checks } = await readiness(service.url)
    expect(checks['broker']).toMatch(
      /^(no TLS with the broker \([a-z ]+\): check the scheme.*|.*(ECONNRESET|hung up|before secure).*)$/,
    )
    await service.stop()
    await plain.dispose()
  })

  it.each([
    ['without our certificate', () => undefined],
    ['with a certificate of another CA', () => foreign],
  ])('%s is not let in, and says so', async (_what, certificate) => {
    await withService({ ca: authority.ca, certificate: certificate() }, async (service) => {
      const { status, checks } = await readiness(service.url)
      // Its reason may come, or only the end of the connection.
      expect({ status, broker: checks['broker'] }).toEqual({
        status: 503,
        broker: expect.stringMatching(
          /^the broker refused the TLS connection \([a-z ]+\): check MQTT_TLS_CERT_FILE.*$|ECONNRESET|hung up/,
        ),
      })
    })
  })
})
