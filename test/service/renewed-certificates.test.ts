/** Certificates that are renewed while the service runs: no restart, and nobody is disconnected. */
import { copyFileSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTls } from '../../src/base/config-tls.ts'
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  mosquittoWithTls,
  trusting,
} from '../support/certificates.ts'
import { type Running, startCli } from '../support/cli.ts'
import { hasMosquitto, startMosquitto } from '../support/mosquitto.ts'
import { startService, untilReady } from '../support/service.ts'

const PATIENCE = { timeout: 25_000, interval: 100 }

let authority: Authority
let strangers: Authority
let folder: string

beforeAll(() => {
  authority = createAuthority()
  strangers = createAuthority('Another CA')
  folder = mkdtempSync(join(tmpdir(), 'fc-renewed-'))
})
afterAll(() => {
  authority?.remove()
  strangers?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const at = (name: string): string => join(folder, name)

/** As certbot does it: the new file takes the place of the old one. */
function put(name: string, file: string): string {
  copyFileSync(file, at(`${name}.new`))
  renameSync(at(`${name}.new`), at(name))
  return at(name)
}

const putPair = (name: string, { certFile, keyFile }: IssuedCertificate) => ({
  cert: put(`${name}.pem`, certFile),
  key: put(`${name}.key`, keyFile),
})

/** Of the certificate that a door shows; undefined where it does not let us in. */
async function subjectAt(port: number, client?: IssuedCertificate): Promise<string | undefined> {
  const socket = connect({ port, host: '127.0.0.1', ca: authority.ca, cert: client?.cert, key: client?.key })
  socket.on('error', () => {})
  // A server that has looked at our certificate, and takes it, gives a ticket.
  const shown = new Promise<string>((resolve) => {
    socket.once('session', () => resolve(String(socket.getPeerCertificate().subject.CN)))
  })
  try {
    return await Promise.race([
      shown,
      new Promise<undefined>((resolve) => socket.once('close', () => resolve(undefined))),
    ])
  } finally {
    socket.destroy()
  }
}

describe('certificates are renewed', () => {
  let service: Running
  let port: number
  let mqttPort: number
  let before: IssuedCertificate
  let after: IssuedCertificate

  beforeAll(async () => {
    before = authority.issue('before')
    after = authority.issue('after')
    const https = putPair('https', before)
    const mqtts = putPair('mqtts', before)
    service = startCli(['serve'], {
      cwd: folder,
      env: {
        PORT: '0',
        MQTT_PORT: '0',
        MQTT_TLS_PORT: '0',
        TLS_CERT_FILE: https.cert,
        TLS_KEY_FILE: https.key,
        MQTT_TLS_CERT_FILE: mqtts.cert,
        MQTT_TLS_KEY_FILE: mqtts.key,
        MQTT_TLS_CA_FILE: put('ca.pem', authority.caFile),
      },
    })
    const [, shownMqtt] = await service.shows(/mqtts:\/\/127\.0\.0\.1:(\d+)/)
    const [, shown] = await service.shows(/https:\/\/127\.0\.0\.1:(\d+)/)
    port = Number(shown)
    mqttPort = Number(shownMqtt)
  })
  afterAll(() => service?.stop())

  it('at both doors, for the next connections, while those that are open stay', async () => {
    const url = `wss://127.0.0.1:${port}/graphql`
    const socket = createClient({ url, webSocketImpl: trusting(authority.ca), retryAttempts: 0, lazy: false })
    const ask = async () => (await socket.iterate({ query: '{ __typename }' }).next()).value
    expect(await ask()).toEqual({ data: { __typename: 'Query' } })
    let closed = false
    socket.on('closed', () => {
      closed = true
    })
    expect([await subjectAt(port), await subjectAt(mqttPort, before)]).toEqual(['before', 'before'])

    putPair('https', after)
    putPair('mqtts', after)
    await expect.poll(() => subjectAt(port), PATIENCE).toBe('after')
    await expect.poll(() => subjectAt(mqttPort, before), PATIENCE).toBe('after')
    await expect.poll(service.stderr, PATIENCE).toMatch(/the certificates were renewed/)
    expect({ answer: await ask(), closed }).toEqual({ answer: { data: { __typename: 'Query' } }, closed: false })
    await socket.dispose()
  })

  it('and those that cannot be used change nothing, and are told, while others are renewed', async () => {
    put('https.key', before.keyFile)
    await expect.poll(service.stderr, PATIENCE).toMatch(/those before them stay/)
    expect(service.stderr()).toMatch(/TLS_KEY_FILE: got the key of another certificate/)
    putPair('mqtts', before)
    await expect.poll(() => subjectAt(mqttPort, before), PATIENCE).toBe('before')
    rmSync(at('https.pem'))
    await expect.poll(service.stderr, PATIENCE).toMatch(/TLS_CERT_FILE: ENOENT/)
    expect(await subjectAt(port)).toBe('after')
  })

  it('and what could not be used is tried again, though nothing shows that it was changed', async () => {
    const third = authority.issue('third')
    const sameInstant = new Date()
    const write = (key: string) => {
      writeFileSync(at('https.key'), key)
      utimesSync(at('https.key'), sameInstant, sameInstant)
    }
    const told = () =>
      service.stderr().match(/^.*TLS_KEY_FILE: got \S+, expected a file with a private key.*$/gm)?.length ?? 0
    write('-'.repeat(third.key.length))
    put('https.pem', third.certFile)
    await expect.poll(told, PATIENCE).toBe(1)
    write(third.key)
    await expect.poll(() => subjectAt(port), PATIENCE).toBe('third')
    expect(told()).toBe(1)
  })

  it('and the CA of the devices', async () => {
    const foreign = strangers.issue('foreign')
    expect(await subjectAt(mqttPort, foreign)).toBeUndefined()
    put('ca.pem', strangers.caFile)
    await expect.poll(() => subjectAt(mqttPort, foreign), PATIENCE).toBe('before')
    expect(await subjectAt(mqttPort, before)).toBeUndefined()
  })
})

if (!hasMosquitto) console.warn('no mosquitto binary: a certificate that is renewed for a Mosquitto was NOT tested')

describe.runIf(hasMosquitto)('our certificate for a Mosquitto', () => {
  it('is shown to it at the next connection, where the one before was not let in', async () => {
    const mosquitto = await startMosquitto(mosquittoWithTls(authority, authority.issue('broker')))
    const { cert, key } = putPair('client', strangers.issue('stranger'))
    const mqttUrl = mosquitto.url.replace('mqtt:', 'mqtts:')
    const env = { MQTT_TLS_CERT_FILE: cert, MQTT_TLS_KEY_FILE: key, MQTT_TLS_CA_FILE: authority.caFile }
    const service = await startService({ mqttUrl, replicas: 1, ...readTls(env, mqttUrl) })
    try {
      await untilReady(service, 503)
      putPair('client', authority.issue('friend'))
      await untilReady(service, 200)
    } finally {
      await service.stop()
      await mosquitto.dispose()
    }
  })
})
