/** Secrets of things: issued once, rotated, and what the embedded broker lets in with them. */

import { connect } from 'node:net'
import type { MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openEmbedded, openPostgres } from '../../src/db/connect.ts'
import { thingSecrets } from '../../src/db/schema.ts'
import { isSecretOf, makeSecret } from '../../src/domain/thing-secrets.ts'
import { requestFilter } from '../../src/protocol/topics.ts'
import { createBackend } from '../support/backend.ts'
import { createClient } from '../support/client.ts'
import { startTestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { deregisterThing, updateThing } from '../support/registry.ts'
import { closing, connectOnce, loginOf, registerWithSecret, rotateSecret } from '../support/secrets.ts'
import { type Service, startService } from '../support/service.ts'
import { adminToken, JWT } from '../support/token.ts'

const REFUSED = /Bad username or password/

describe('a secret', () => {
  it('is told from others, and its hash is what Mosquitto keeps', async () => {
    const [one, two] = [await makeSecret(), await makeSecret()]
    expect(one.secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(one.hash).toMatch(/^\$7\$101\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==$/)
    expect(await isSecretOf(one.hash, one.secret)).toBe(true)
    expect(await isSecretOf(one.hash, Buffer.from(one.secret))).toBe(true)
    for (const wrong of [
      two.secret,
      '',
      `${one.secret} `,
      one.hash,
      one.secret.slice(0, -1),
      '\u0000',
      'é'.repeat(5_000),
    ])
      expect(await isSecretOf(one.hash, wrong)).toBe(false)
  })
})

describe('secrets of things', () => {
  let service: Service
  const clients: MqttClient[] = []

  beforeAll(async () => {
    service = await startService({ mqttUrl: undefined, replicas: 1 })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true)
  })
  afterAll(() => service?.stop())

  async function open(clientId: string, password?: string, url = service.mqttUrl): Promise<MqttClient> {
    const client = await connectOnce(url, { clientId, username: clientId, password })
    clients.push(client)
    return client
  }

  const hasSecret = async (id: string) =>
    (
      await service.query<{ thing: { hasSecret: boolean } | null }>(
        'query ($id: ID!) { thing(id: $id) { hasSecret } }',
        {
          id,
        },
      )
    ).thing?.hasSecret

  it('are shown once, when they are issued', async () => {
    const [plain, guarded] = [uniqueName('plain'), uniqueName('guarded')]
    expect(await registerWithSecret(service, { id: plain, issueSecret: false })).toEqual({
      thing: { id: plain, hasSecret: false },
      secret: null,
      errors: [],
    })
    const registered = await registerWithSecret(service, { id: guarded })
    expect(registered).toEqual({
      thing: { id: guarded, hasSecret: true },
      secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      errors: [],
    })
    expect([await hasSecret(plain), await hasSecret(guarded)]).toEqual([false, true])
    const again = await registerWithSecret(service, { id: guarded })
    expect(again).toMatchObject({ thing: null, secret: null, errors: [{ code: 'THING_ALREADY_REGISTERED' }] })
    await open(guarded, registered.secret ?? '')
  })

  it('are issued by rotation as well, and to nobody who is not registered', async () => {
    const id = uniqueName('later')
    await service.registerThing(id)
    const { secret, thing, errors } = await rotateSecret(service, id)
    expect({ thing, errors }).toEqual({ thing: { id, hasSecret: true }, errors: [] })
    await open(id, secret ?? '')
    for (const unknown of [uniqueName('nobody'), 'a b', '']) {
      expect(await rotateSecret(service, unknown)).toMatchObject({
        thing: null,
        secret: null,
        errors: [{ code: 'THING_NOT_FOUND', path: ['id'] }],
      })
    }
  })

  it('are in the database as hashes only, and leave with their thing', async () => {
    const backend = await createBackend()
    const other = await startService({ backend, mqttUrl: undefined, replicas: 1 })
    const [id, gone] = [uniqueName('kept'), uniqueName('gone')]
    const { password } = await loginOf(other, id)
    await loginOf(other, gone)
    await deregisterThing(other, gone)
    await other.stop()
    const { databaseUrl, dataDir } = backend.settings
    const store = databaseUrl ? await openPostgres(databaseUrl, 'test') : await openEmbedded(dataDir)
    const rows = await store.db.select().from(thingSecrets)
    await store.close()
    await backend.dispose()
    expect(rows.map(({ thingId }) => thingId)).toEqual([id])
    expect(JSON.stringify(rows)).not.toContain(password)
    expect(await isSecretOf(rows[0]?.hash ?? '', password)).toBe(true)
  })

  it('work until they are rotated: then whoever came with the old one is disconnected, and not let in again', async () => {
    const id = uniqueName('rotated')
    const { password } = await loginOf(service, id)
    const client = await open(id, password)
    const closed = closing(client)
    const { secret } = await rotateSecret(service, id)
    await closed
    await expect(open(id, password)).rejects.toThrow(REFUSED)
    const again = await open(id, secret ?? '')
    expect(await again.subscribeAsync(requestFilter(id), { qos: 1 })).toMatchObject([{ qos: 1 }])
  })

  it('are asked for from the moment on that a thing gets its first one', async () => {
    const id = uniqueName('first')
    await service.registerThing(id)
    const client = await open(id)
    const closed = closing(client)
    await rotateSecret(service, id)
    await closed
    await expect(open(id)).rejects.toThrow(REFUSED)
  })

  it('are asked for before anything is taken from whoever is connected', async () => {
    const id = uniqueName('steady')
    const login = await loginOf(service, id)
    const device = await startTestDevice(service.mqttUrl, id, { ...login, clean: false })
    let losses = 0
    device.client.on('close', () => (losses += 1))
    for (const password of [undefined, '', 'wrong', `${login.password}x`])
      await expect(open(id, password)).rejects.toThrow(REFUSED)
    expect(device.client.connected).toBe(true)
    device.client.stream.destroy()
    await vi.waitFor(() => expect(losses).toBe(1))
    await device.stop()
    // The session of a thing that is away is its own as well.
    await expect(open(id, 'wrong')).rejects.toThrow(REFUSED)
    const { execution } = await service.send({ thingId: id, ttl: 20 })
    const back = await startTestDevice(service.mqttUrl, id, { ...login, clean: false })
    expect((await back.nextRequest()).executionId).toBe(execution?.id)
    await back.stop()
  })

  it('go with the clientId that the thing has now', async () => {
    const [id, clientId] = [uniqueName('moved'), uniqueName('client')]
    const { password } = await loginOf(service, id)
    await open(id, password)
    await updateThing(service, { id, clientId })
    const client = await open(clientId, password)
    expect(await client.subscribeAsync(requestFilter(id), { qos: 1 })).toMatchObject([{ qos: 1 }])
    await expect(open(clientId)).rejects.toThrow(REFUSED)
    // Under the old one it is a stranger, which this broker lets in to do nothing.
    const stranger = await open(id, password)
    await expect(stranger.subscribeAsync(requestFilter(id))).rejects.toThrow('Subscribe error')
  })

  it('let all devices in that come back together, and those among them that have a wrong one not', async () => {
    const ids = Array.from({ length: 60 }, (_, n) => `${uniqueName('many')}-${n}`)
    const logins = await Promise.all(ids.map((id) => loginOf(service, id)))
    const isGood = (n: number) => n % 3 !== 0
    const outcomes = await Promise.allSettled(
      logins.map(({ username, password }, n) => open(username, isGood(n) ? password : logins[n + 1]?.password)),
    )
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(ids.map((_, n) => isGood(n)))
    expect(clients.every(({ connected }) => connected)).toBe(true)
  })
})

describe('an embedded broker that others than this machine reach', () => {
  let service: Service
  let webSocketUrl: string
  beforeAll(async () => {
    const open = await startService({ mqttUrl: undefined, replicas: 1, host: '0.0.0.0', jwt: JWT })
    service = { ...open, ...createClient(open.url, await adminToken()) }
    webSocketUrl = `${service.url.replace('http', 'ws')}/mqtt`
  })
  afterAll(() => service?.stop())

  it('lets things in with their secret, and nobody else, by TCP and by WebSocket', async () => {
    const [guarded, plain] = [uniqueName('guarded'), uniqueName('plain')]
    const { password } = await loginOf(service, guarded)
    await service.registerThing(plain)
    for (const url of [service.mqttUrl, webSocketUrl]) {
      const attempts = [
        { clientId: uniqueName('stranger') },
        { clientId: '' },
        { clientId: plain },
        { clientId: plain, password },
        { clientId: guarded },
        { clientId: guarded, password: 'wrong' },
        { clientId: 'x'.repeat(128), password },
      ]
      for (const attempt of attempts)
        await expect(connectOnce(url, { username: 'any', ...attempt })).rejects.toThrow(REFUSED)
      const client = await connectOnce(url, { clientId: guarded, username: 'any', password })
      expect(await client.subscribeAsync(requestFilter(guarded), { qos: 1 })).toMatchObject([{ qos: 1 }])
      await client.endAsync()
    }
  })

  it('serves whoever is in while somebody hammers on its door', async () => {
    const id = uniqueName('served')
    const device = await startTestDevice(service.mqttUrl, id, {
      ...(await loginOf(service, id)),
      answer: () => ({ status: 'SUCCEEDED' }),
    })
    const { port } = new URL(service.mqttUrl)
    const sockets = Array.from({ length: 200 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}))
    const hammering = Array.from({ length: 200 }, () =>
      connectOnce(service.mqttUrl, { clientId: id, username: id, password: 'guess' }).catch(() => 'refused'),
    )
    const { execution } = await service.send({ thingId: id, ttl: 20, wait: true })
    expect(execution?.status).toBe('SUCCEEDED')
    expect(new Set(await Promise.all(hammering))).toEqual(new Set(['refused']))
    for (const socket of sockets) socket.destroy()
    await device.stop()
  })
})
