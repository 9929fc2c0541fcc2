/** Who may come in, and until when. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { basic, clientWithKey } from '../support/caller.ts'
import { type Client, createClient } from '../support/client.ts'
import { type Service, startService } from '../support/service.ts'
import { overSse, overWebSocket } from '../support/subscription.ts'

let service: Service
let admin: Client & { keyId: string }

const statusOf = async (url: string, authorization?: string, init: RequestInit = {}): Promise<number> => {
  const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) }
  const response = await fetch(url, { ...init, headers })
  await response.body?.cancel()
  return response.status
}
const graphql = (authorization?: string) =>
  statusOf(`${service.url}/graphql`, authorization, { method: 'POST', body: '{"query":"{ __typename }"}' })
const rest = (authorization?: string) => statusOf(`${service.url}/api/v1/commands`, authorization)
const metrics = (authorization?: string) => statusOf(`${service.url}/metrics`, authorization)

/** The code with which a socket that shows this is closed, or 0 where it is let in. */
async function webSocketCode(payload?: unknown, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(`${service.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', ...(payload !== undefined && { payload }) }))
  const letIn = once(socket, 'message').then(() => 0)
  const code = await Promise.race([letIn, once(socket, 'close').then(([closed]) => Number(closed))])
  socket.terminate()
  return code
}

beforeAll(async () => {
  service = await startService()
})

afterAll(() => service.stop())

describe('a service without keys', () => {
  it('lets whoever reaches it do anything, until there is a key', async () => {
    const subscriber = overWebSocket(service)
    const watching = await subscriber.watch()
    const ended = watching.next().catch((error: unknown) => error)
    expect([await graphql(), await rest(), await metrics(), await webSocketCode()]).toEqual([200, 200, 200, 0])
    expect(await service.query('{ caller { name role isNarrowed } }')).toEqual({
      caller: { name: null, role: 'ADMIN', isNarrowed: false },
    })

    admin = await clientWithKey(service, { role: 'ADMIN' })

    // Of several replicas each has to notice.
    await expect.poll(() => Promise.all([graphql(), graphql(), graphql()])).toEqual([401, 401, 401])
    await expect.poll(() => rest()).toBe(401)
    await expect.poll(() => metrics()).toBe(401)
    await expect.poll(() => webSocketCode()).toBe(4403)
    // What was open goes as well.
    await ended
    await subscriber.close()
  })
})

describe('a key', () => {
  it('opens each door', async () => {
    const { authorization = '' } = admin
    expect([await graphql(authorization), await rest(authorization), await metrics(authorization)]).toEqual([
      200, 200, 200,
    ])
    expect(await webSocketCode({ Authorization: authorization })).toBe(0)
    expect(await webSocketCode({ authorization })).toBe(0)
    expect(await webSocketCode(undefined, { authorization })).toBe(0)
    expect(await admin.query('{ caller { name role things thingTypes actions isNarrowed } }')).toEqual({
      caller: { name: admin.keyId, role: 'ADMIN', things: null, thingTypes: null, actions: null, isNarrowed: false },
    })
  })

  it.each([
    ['nothing', undefined],
    ['no secret', () => basic(admin.keyId, '')],
    ['another secret', () => basic(admin.keyId, 'A'.repeat(43))],
    ['an id that is none', () => basic('ak_00000000000070008000000000000000', 'x')],
    ['no id', () => basic('', 'x')],
    ['no base64', () => 'Basic ::::'],
    ['a scheme without anything', () => 'Basic'],
    ['a token, where tokens are not taken', () => 'Bearer a.b.c'],
    ['another scheme', () => 'Digest x'],
    ['NUL', () => basic('ak_\0', '\0')],
  ])('is needed: %s does not do', async (_what, show) => {
    const authorization = show?.()
    expect([await graphql(authorization), await rest(authorization), await metrics(authorization)]).toEqual([
      401, 401, 401,
    ])
    expect(await webSocketCode(authorization && { Authorization: authorization })).toBe(4403)
  })

  it('is told to whoever shows none, in the words of each door', async () => {
    const overGraphql = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(overGraphql.headers.get('www-authenticate')).toBe('Bearer realm="fleet-commands"')
    expect(await overGraphql.json()).toEqual({
      errors: [{ message: expect.stringContaining('Authorization: Basic'), extensions: { code: 'UNAUTHENTICATED' } }],
    })
    const overRest = await fetch(`${service.url}/api/v1/commands`)
    expect(overRest.headers.get('content-type')).toBe('application/problem+json')
    expect(await overRest.json()).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
  })

  it('leaves open what says whether the service lives', async () => {
    expect([await statusOf(`${service.url}/healthz`), await statusOf(`${service.url}/readyz`)]).toEqual([200, 200])
  })

  it('is `requestedBy` of what it sends, over GraphQL and REST', async () => {
    const thingId = `thing-${randomUUID()}`
    await admin.registerThing(thingId)
    const { execution } = await admin.send({ thingId })
    expect(execution?.requestedBy).toBe(admin.keyId)
    const response = await fetch(`${service.url}/api/v1/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: admin.authorization ?? '' },
      body: JSON.stringify({ thingId, action: 'reboot' }),
    })
    const { executionId } = (await response.json()) as { executionId: string }
    expect((await admin.execution(executionId)).requestedBy).toBe(admin.keyId)
  })

  it('ends when it expires, and is refused from then on', async () => {
    const key = await clientWithKey(admin, { role: 'VIEWER', expiresAt: new Date(Date.now() + 2_500).toISOString() })
    const subscriber = overWebSocket(key)
    const watching = await subscriber.watch()
    await expect(watching.next()).rejects.toThrow()
    expect(await graphql(key.authorization)).toBe(401)
  })

  it.each([
    ['a WebSocket', overWebSocket],
    ['SSE', overSse],
  ])('loses %s within five seconds of being revoked', async (_door, over) => {
    const key = await clientWithKey(admin, { role: 'VIEWER' })
    const subscriber = over(key)
    const watching = await subscriber.watch()
    const ended = watching.next().catch(() => 'ended')
    const before = performance.now()
    await admin.query('mutation ($id: ID!) { revokeApiKey(id: $id) { apiKey { revokedAt } errors { code } } }', {
      id: key.keyId,
    })
    await ended
    expect(performance.now() - before).toBeLessThan(5_000)
    await expect.poll(() => graphql(key.authorization)).toBe(401)
    await expect.poll(() => webSocketCode({ Authorization: key.authorization })).toBe(4403)
    await subscriber.close()
  })

  it('is not made from what is no key', async () => {
    const { createApiKey } = await admin.query<{ createApiKey: { errors: { code: string; path: string[] }[] } }>(
      `mutation { createApiKey(input: { name: "", role: VIEWER, things: [], actions: ["a*b*", ""], expiresAt: "2020-01-01T00:00:00Z" }) {
        apiKey { id } secret errors { code path }
      } }`,
    )
    expect(createApiKey).toEqual({
      apiKey: null,
      secret: null,
      errors: [['name'], ['things'], ['actions', '0'], ['actions', '1'], ['expiresAt']].map((path) => ({
        code: 'INPUT_INVALID',
        path,
      })),
    })
    expect(await admin.query('mutation { revokeApiKey(id: "ak_x") { apiKey { id } errors { code path } } }')).toEqual({
      revokeApiKey: { apiKey: null, errors: [{ code: 'KEY_NOT_FOUND', path: ['id'] }] },
    })
  })

  it('is listed without its secret, and says when it was made and by whom', async () => {
    const { apiKeys } = await admin.query<{ apiKeys: { nodes: { id: string; createdBy: string | null }[] } }>(
      '{ apiKeys(first: 100) { nodes { id createdBy revokedAt } } }',
    )
    expect(apiKeys.nodes.at(-1)).toMatchObject({ id: admin.keyId, createdBy: null, revokedAt: null })
    expect(apiKeys.nodes[0]).toMatchObject({ createdBy: admin.keyId })
    expect(apiKeys.nodes.map(({ id }) => id)).toEqual(
      apiKeys.nodes
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    )
  })
})

describe('the audit', () => {
  it('says who did what, to what, when and from where, the newest first', async () => {
    const thingId = `thing-${randomUUID()}`
    const type = `type-${randomUUID()}`
    await admin.query(`mutation { defineThingType(input: { name: "${type}" }) { errors { code } } }`)
    await admin.registerThing(thingId, { thingType: type })
    const { execution } = await admin.send({ thingId, ttl: 60 })
    await admin.cancel(execution?.id ?? '')
    await admin.query(`mutation { deregisterThing(id: "${thingId}") { errors { code } } }`)
    await admin.query(`mutation { deleteThingType(name: "${type}") { errors { code } } }`)
    const { auditEvents } = await admin.query<{ auditEvents: { nodes: Record<string, unknown>[] } }>(
      '{ auditEvents(first: 6) { nodes { action actor address target } } }',
    )
    const done = (action: string, target: string | undefined) => ({
      action,
      actor: admin.keyId,
      address: expect.stringMatching(/127\.0\.0\.1$/),
      target,
    })
    expect(auditEvents.nodes).toEqual([
      done('TYPE_DELETE', type),
      done('THING_DEREGISTER', thingId),
      done('COMMAND_CANCEL', execution?.id),
      done('COMMAND_SEND', thingId),
      done('THING_REGISTER', thingId),
      done('TYPE_DEFINE', type),
    ])
  })

  it('is gone through page by page, both ways, and by each filter', async () => {
    const page = (args: string) =>
      admin.query<{ auditEvents: { nodes: { id: string; action: string }[]; pageInfo: { endCursor: string } } }>(
        `{ auditEvents(${args}) { nodes { id action } pageInfo { endCursor } } }`,
      )
    const { auditEvents: all } = await page('first: 100')
    const ids = all.nodes.map(({ id }) => id)
    expect(ids).toEqual(ids.toSorted().toReversed())
    const { auditEvents: first } = await page('first: 3')
    const { auditEvents: second } = await page(`first: 3, after: "${first.pageInfo.endCursor}"`)
    expect([...first.nodes, ...second.nodes].map(({ id }) => id)).toEqual(ids.slice(0, 6))
    const { auditEvents: before } = await page(`last: 2, before: "${first.pageInfo.endCursor}"`)
    expect(before.nodes.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    for (const action of ['COMMAND_SEND', 'KEY_CREATE']) {
      const { auditEvents } = await page(`first: 100, filter: { action: ${action} }`)
      expect(auditEvents.nodes).toEqual(all.nodes.filter((event) => event.action === action))
    }
    const { auditEvents: mine } = await page(`first: 100, filter: { actor: "${admin.keyId}", target: "nothing" }`)
    expect(mine.nodes).toEqual([])
  })

  it('has no entry for what was refused', async () => {
    const before = await admin.query('{ auditEvents(first: 1) { nodes { id } } }')
    await admin.query('mutation { deregisterThing(id: "nobody") { errors { code } } }')
    await admin.cancel(randomUUID())
    await admin.query('mutation { deleteThingType(name: "nobody") { errors { code } } }')
    expect(await admin.query('{ auditEvents(first: 1) { nodes { id } } }')).toEqual(before)
  })
})

describe('an address that others reach', () => {
  it('is not listened on by a service without keys and tokens', async () => {
    const other = startService({ host: '0.0.0.0', replicas: 1 })
    await expect(other).rejects.toThrow(/^HOST: got "0\.0\.0\.0".*fleet-commands keys create/)
  })

  it('is listened on once there is a key', async () => {
    const other = await startService({
      backend: service.backend,
      host: '0.0.0.0',
      replicas: 1,
      mqttClientId: `${service.config.mqttClientId}-open`,
    }).catch((error: Error) => error)
    // The embedded database has one process only.
    if (other instanceof Error) return expect(other.message).toMatch(/DATA_DIR/)
    const client = createClient(other.url, admin.authorization)
    expect(await client.query('{ caller { role } }')).toEqual({ caller: { role: 'ADMIN' } })
    await other.stop()
  })
})
