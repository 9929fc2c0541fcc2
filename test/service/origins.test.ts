/** Which pages may talk to the service, under which names it answers, and what its answers let browsers do. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { onServices } from '../support/backend.ts'
import { ask, openAndSay, post, readToEnd } from '../support/raw-http.ts'
import { type Service, startService } from '../support/service.ts'

const CONSOLE = 'https://console.example'
const mqttSocket: [string, string][] = onServices ? [] : [['/mqtt', 'mqtt']]
const EVIL = 'https://evil.example'

describe('origins and hosts', () => {
  let service: Service

  beforeAll(async () => {
    service = await startService({ corsOrigins: [CONSOLE, 'http://127.0.0.1:8080'] })
  })

  afterAll(() => service.stop())

  const preflight = (path: string, origin: string) =>
    ask(`${service.url}${path}`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    })

  const PATHS = ['/graphql', '/api/v1/commands']

  it('lets pages of CORS_ORIGINS ask and read, without credentials', async () => {
    for (const path of PATHS) {
      const { status, headers } = await preflight(path, CONSOLE)
      expect({ path, status, headers }).toMatchObject({
        path,
        status: 204,
        headers: {
          'access-control-allow-origin': CONSOLE,
          'access-control-allow-methods': 'GET, POST',
          'access-control-allow-headers': expect.stringMatching(/content-type.*idempotency-key/),
          vary: 'Origin',
        },
      })
      expect(headers['access-control-allow-credentials']).toBeUndefined()
    }
    const answers = [
      await post(service.url, { query: '{ __typename }' }, { origin: CONSOLE }),
      await post(service.url, { query: '{' }, { origin: CONSOLE }),
      await ask(`${service.url}/graphql?query={__typename}`, { headers: { origin: CONSOLE } }),
      await ask(`${service.url}/api/v1/commands`, { headers: { origin: CONSOLE } }),
      await ask(`${service.url}/api/v1/nothing`, { headers: { origin: CONSOLE } }),
    ]
    for (const { headers } of answers) {
      expect(headers['access-control-allow-origin']).toBe(CONSOLE)
      expect(headers['access-control-expose-headers']).toContain('retry-after')
      expect(headers['cross-origin-resource-policy']).toBeUndefined()
      expect(headers.vary).toBe('Origin')
    }
  })

  it('lets them read a stream of events', async () => {
    const leave = new AbortController()
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', origin: CONSOLE },
      body: JSON.stringify({ query: 'subscription { executionUpdated { id } }' }),
      signal: leave.signal,
    })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(response.headers.get('access-control-allow-origin')).toBe(CONSOLE)
    leave.abort()
  })

  it('tells pages of other origins nothing', async () => {
    for (const origin of [EVIL, 'null', `${CONSOLE}.evil.example`, 'http://console.example', `${CONSOLE}:444`]) {
      for (const path of PATHS) {
        const { headers } = await preflight(path, origin)
        expect({ origin, allowed: headers['access-control-allow-origin'] }).toEqual({ origin, allowed: undefined })
        expect(headers['access-control-allow-headers']).toBeUndefined()
      }
      const { headers } = await post(service.url, { query: '{ __typename }' }, { origin })
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  it('lets nobody read health and metrics from a page', async () => {
    for (const path of ['/healthz', '/metrics']) {
      const { headers } = await ask(`${service.url}${path}`, { headers: { origin: CONSOLE } })
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  // MQTT over WebSocket comes with the embedded broker.
  const sockets: [string, string][] = [['/graphql', 'graphql-transport-ws'], ...mqttSocket]

  it.each(sockets)('opens sockets at %s for pages of its own and of CORS_ORIGINS', async (path, protocol) => {
    const url = `${service.url.replace('http', 'ws')}${path}`
    for (const origin of [CONSOLE, service.url]) {
      const socket = new WebSocket(url, protocol, { headers: { origin } })
      await once(socket, 'open')
      socket.terminate()
    }
    const socket = new WebSocket(url, protocol, { headers: { origin: EVIL } })
    socket.on('error', () => {})
    const [, response] = await once(socket, 'unexpected-response')
    expect(response.statusCode).toBe(403)
    response.destroy()
  })

  // By the service itself: a balancer passes on what it was called.
  it('answers under names of this machine only, where it listens to this machine only (DNS rebinding)', async () => {
    const [url = ''] = service.urls
    const { port } = new URL(url)
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '10.0.0.1',
    ]) {
      for (const path of ['/graphql', '/', '/api/v1/commands', '/healthz', '/metrics']) {
        const { status, text } = await ask(`${url}${path}`, { headers: { host } })
        expect({ host, path, status }).toEqual({ host, path, status: 421 })
        expect(text).toContain('expected localhost or a loopback address')
      }
      const posted = await post(url, { query: '{ __typename }' }, { host, origin: `http://${host}` })
      expect(posted.status).toBe(421)
    }
    for (const host of [`localhost:${port}`, '127.0.0.1', '[::1]:4000', 'fleet.localhost', 'console.example']) {
      const { status } = await ask(`${url}/healthz`, { headers: { host } })
      expect({ host, status }).toEqual({ host, status: 200 })
    }
  })

  it('opens no socket under another name', async () => {
    const [url = ''] = service.urls
    const handshake = [
      'GET /graphql HTTP/1.1',
      'Host: evil.example',
      'Origin: http://evil.example',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]
    const answer = await readToEnd(await openAndSay(url, `${handshake.join('\r\n')}\r\n\r\n`))
    expect(answer).toMatch(/^HTTP\/1.1 421 .*expected localhost or a loopback address/s)
  })

  const ALWAYS = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': expect.stringContaining('geolocation=()'),
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    'x-request-id': expect.any(String),
  }

  it('has every answer say what a browser may do with it', async () => {
    const html = { accept: 'text/html' }
    const answers = {
      'a query': await post(service.url, { query: '{ __typename }' }),
      'a query by GET': await ask(`${service.url}/graphql?query={__typename}`),
      'a bad document': await post(service.url, { query: '{' }),
      'no JSON': await ask(`${service.url}/graphql`, { method: 'POST', body: '{}' }),
      REST: await ask(`${service.url}/api/v1/commands`),
      OpenAPI: await ask(`${service.url}/api/v1/openapi.json`),
      nothing: await ask(`${service.url}/nothing`),
      health: await ask(`${service.url}/healthz`),
      metrics: await ask(`${service.url}/metrics`),
      'the page': await ask(service.url, { headers: html }),
      'the page at /graphql': await ask(`${service.url}/graphql`, { headers: html }),
    }
    for (const [name, { headers }] of Object.entries(answers))
      expect({ name, ...headers }).toMatchObject({ name, ...ALWAYS })
  })

  it('gives an answer that is no page a policy under which it does nothing', async () => {
    const { headers } = await post(service.url, { query: '{ __typename }' })
    expect(headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'")
  })

  it('gives pages a strict policy: the scripts in them by their hashes, and connections to itself', async () => {
    const { headers } = await ask(`${service.url}/graphql`, { headers: { accept: 'text/html' } })
    const policy = Object.fromEntries(
      String(headers['content-security-policy'])
        .split('; ')
        .map((directive) => directive.split(/ (.*)/s, 2)),
    )
    const { host } = new URL(service.url)
    expect(policy).toEqual({
      'default-src': "'none'",
      'script-src': expect.stringMatching(/^'self' 'sha256-[\w+/]{43}='$/),
      'style-src': "'self' 'unsafe-inline'",
      'connect-src': `'self' ws://${host} wss://${host}`,
      'img-src': "'self' data:",
      'font-src': "'self' data:",
      'worker-src': "'self' blob:",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    })
  })
})

describe('a service that has room for two connections', () => {
  it('closes the third, and takes one again when there is room', async () => {
    const service = await startService({ maxConnections: 2, replicas: 1 })
    const head = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n'
    const [first, second] = [await openAndSay(service.url, head), await openAndSay(service.url, head)]
    expect(await readToEnd(await openAndSay(service.url, `${head}\r\n`))).toBe('')
    first.destroy()
    const isAnswered = async () => readToEnd(await openAndSay(service.url, `${head}Connection: close\r\n\r\n`))
    await expect.poll(isAnswered).toMatch(/^HTTP\/1.1 200 /)
    second.destroy()
    await service.stop()
  })
})
