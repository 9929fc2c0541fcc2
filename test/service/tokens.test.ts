/** Tokens of users (JWT): signed by whom the service trusts, for it, and not over. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../support/client.ts'
import { type Service, startService } from '../support/service.ts'
import { overWebSocket } from '../support/subscription.ts'

const SECRET = 'a secret of at least thirty-two characters'
const ISSUER = 'https://id.example.com/'
const AUDIENCE = 'fleet-commands'
const GRANTS = { role: 'operator', things: ['door-*'], actions: ['lock'] }
const jwt = {
  jwksUrl: undefined,
  secret: SECRET,
  issuer: ISSUER,
  audience: AUDIENCE,
  claim: 'fleet_commands',
  toleranceSeconds: 0,
}

let service: Service

const build = (payload: JWTPayload = {}) =>
  new SignJWT({ fleet_commands: GRANTS, sub: 'ada', iss: ISSUER, aud: AUDIENCE, exp: inSeconds(60), ...payload })
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds
const sign = (payload?: JWTPayload, secret = SECRET, alg = 'HS256') =>
  build(payload).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret))

const callerOf = async (token: string, url = service.url) => {
  const { data, errors } = await createClient(url, `Bearer ${token}`).request<{ caller: unknown }>(
    '{ caller { name role things thingTypes actions } }',
  )
  return data?.caller ?? errors?.[0]?.extensions?.code
}

beforeAll(async () => {
  service = await startService({ jwt })
})

afterAll(() => service.stop())

describe('a token', () => {
  it('says who asks, and what is granted', async () => {
    expect(await callerOf(await sign())).toEqual({
      name: 'user:ada',
      role: 'OPERATOR',
      things: ['door-*'],
      thingTypes: null,
      actions: ['lock'],
    })
  })

  it('is needed, also on the loopback', async () => {
    const { errors } = await service.request('{ caller { name } }')
    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
  })

  it('is never taken for a key', async () => {
    expect(await callerOf(await sign({ sub: 'ak_00000000000070008000000000000000' }))).toMatchObject({
      name: 'user:ak_00000000000070008000000000000000',
    })
  })

  it.each<[string, () => Promise<string> | string]>([
    ['of another issuer', () => sign({ iss: 'https://evil.example.com/' })],
    ['for somebody else', () => sign({ aud: 'another service' })],
    ['that is over', () => sign({ exp: inSeconds(-1) })],
    ['without an end', () => sign({ exp: undefined })],
    ['that does not begin yet', () => sign({ nbf: inSeconds(60) })],
    ['without a subject', () => sign({ sub: undefined })],
    ['without grants', () => sign({ fleet_commands: undefined })],
    ['with a role that is none', () => sign({ fleet_commands: { role: 'root' } })],
    ['with a pattern that is none', () => sign({ fleet_commands: { ...GRANTS, things: ['*a*'] } })],
    ['with an empty list', () => sign({ fleet_commands: { ...GRANTS, things: [] } })],
    ['signed with another secret', () => sign({}, 'another secret of thirty-two characters')],
    [
      'not signed',
      () =>
        new UnsecuredJWT({
          fleet_commands: GRANTS,
          sub: 'ada',
          iss: ISSUER,
          aud: AUDIENCE,
          exp: inSeconds(60),
        }).encode(),
    ],
    [
      'changed on its way',
      async () => (await sign()).replace(/\.(.)/, (_all, first) => `.${first === 'e' ? 'f' : 'e'}`),
    ],
    ['that is none', () => 'a.b.c'],
    ['that is too long', () => 'a'.repeat(9_000)],
  ])('%s is refused', async (_what, make) => {
    expect(await callerOf(await make())).toBe('UNAUTHENTICATED')
  })

  it('takes its sockets with it when it ends', async () => {
    const client = createClient(service.url, `Bearer ${await sign({ exp: inSeconds(2) })}`)
    const subscriber = overWebSocket(client)
    const watching = await subscriber.watch()
    const before = performance.now()
    await expect(watching.next()).rejects.toThrow()
    expect(performance.now() - before).toBeLessThan(5_000)
    expect(await callerOf((client.authorization ?? '').slice('Bearer '.length))).toBe('UNAUTHENTICATED')
  })
})

describe('a token by a JWKS', () => {
  let keys: Server
  let other: Service
  let pair: CryptoKeyPair

  const signWith = (key: CryptoKey, kid = 'first', alg = 'RS256') => build().setProtectedHeader({ alg, kid }).sign(key)

  beforeAll(async () => {
    pair = await generateKeyPair('RS256', { extractable: true })
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'first', alg: 'RS256', use: 'sig' }
    keys = createServer((_req, res) =>
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] })),
    )
    await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
    const jwksUrl = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks.json`
    other = await startService({ jwt: { ...jwt, secret: undefined, jwksUrl } })
  })

  afterAll(async () => {
    await other.stop()
    keys.close()
  })

  it('is good where the key is in it', async () => {
    expect(await callerOf(await signWith(pair.privateKey), other.url)).toMatchObject({ name: 'user:ada' })
  })

  it('is refused where the key is not, or is used as a secret', async () => {
    const foreign = await generateKeyPair('RS256')
    expect(await callerOf(await signWith(foreign.privateKey), other.url)).toBe('UNAUTHENTICATED')
    expect(await callerOf(await signWith(pair.privateKey, 'unknown'), other.url)).toBe('UNAUTHENTICATED')
    const published = await exportSPKI(pair.publicKey)
    const confused = await build()
      .setProtectedHeader({ alg: 'HS256', kid: 'first' })
      .sign(new TextEncoder().encode(published))
    expect(await callerOf(confused, other.url)).toBe('UNAUTHENTICATED')
  })

  it('is refused, and nothing breaks, where the JWKS cannot be had', async () => {
    const lost = await startService({ jwt: { ...jwt, secret: undefined, jwksUrl: 'http://127.0.0.1:1/jwks.json' } })
    expect(await callerOf(await signWith(pair.privateKey), lost.url)).toBe('UNAUTHENTICATED')
    await lost.stop()
  })
})
