/** What a key is narrowed to: the rest does not exist for it, whichever way it asks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientWithKey } from '../support/caller.ts'
import type { Client } from '../support/client.ts'
import { type Service, startService } from '../support/service.ts'
import { overSse, overWebSocket } from '../support/subscription.ts'

let service: Service
let admin: Client
/** May lock doors, and nothing else. */
let locker: Client
/** Sees what is of one type. */
let ofType: Client

const LOCK = 'com.example.lock'
const [door, otherDoor, lamp] = ['door-1', 'door-2', 'lamp-1']

const rest = (client: Client, path: string, init: RequestInit = {}) =>
  fetch(`${client.url}/api/v1${path}`, {
    ...init,
    headers: { 'content-type': 'application/json', authorization: client.authorization ?? '' },
  })

const post = (client: Client, thingId: string, action: string) =>
  rest(client, '/commands', { method: 'POST', body: JSON.stringify({ thingId, action, ttl: 60 }) })

const send = (client: Client, thingId: string, action: string) =>
  client.request<{ sendCommand: { execution: { id: string } | null; errors: { code: string }[] } }>(
    `mutation { sendCommand(input: { thingId: "${thingId}", action: "${action}", ttl: 60 }) { execution { id } errors { code } } }`,
  )

const idOf = async (client: Client, thingId: string, action: string): Promise<string> => {
  const id = (await send(client, thingId, action)).data?.sendCommand.execution?.id
  if (!id) throw new Error(`${action} was not sent to ${thingId}`)
  return id
}

const codesOf = ({ errors }: { errors?: { extensions?: { code?: string } }[] }) =>
  errors?.map(({ extensions }) => extensions?.code)

beforeAll(async () => {
  service = await startService()
  admin = await clientWithKey(service, { role: 'ADMIN' })
  await admin.query(`mutation { defineThingType(input: { name: "${LOCK}" }) { errors { code } } }`)
  await admin.registerThing(door, { thingType: LOCK })
  await admin.registerThing(otherDoor)
  await admin.registerThing(lamp)
  locker = await clientWithKey(admin, { role: 'OPERATOR', things: ['door-*'], actions: ['lock'] })
  ofType = await clientWithKey(admin, { role: 'ADMIN', thingTypes: ['com.example.*'] })
})

afterAll(() => service.stop())

describe('an operator for door-* that may lock', () => {
  it('locks a door', async () => {
    expect((await send(locker, door, 'lock')).data?.sendCommand.errors).toEqual([])
    expect((await post(locker, otherDoor, 'lock')).status).toBe(201)
  })

  it.each([
    ['another action', door, 'unlock'],
    ['another thing', lamp, 'lock'],
    ['a thing that is not registered', 'lamp-none', 'lock'],
  ])('is refused %s, over GraphQL and REST', async (_what, thingId, action) => {
    const { data, errors } = await send(locker, thingId, action)
    expect(data ?? null).toBeNull()
    expect(errors).toMatchObject([
      { message: expect.stringMatching(/match (door-\*|lock)$/), extensions: { code: 'FORBIDDEN' } },
    ])
    const response = await post(locker, thingId, action)
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([403, 'FORBIDDEN'])
  })

  it('sees what it may send, and nothing else', async () => {
    const mine = [await idOf(admin, door, 'lock'), await idOf(admin, otherDoor, 'lock')]
    const others = [await idOf(admin, door, 'unlock'), await idOf(admin, lamp, 'lock')]
    const { executions, things } = await locker.query<{
      executions: { nodes: { id: string }[] }
      things: { nodes: { id: string }[] }
    }>('{ executions(first: 100) { nodes { id } } things { nodes { id } } }')
    const seen = executions.nodes.map(({ id }) => id)
    expect(seen).toEqual(expect.arrayContaining(mine))
    expect(seen.filter((id) => others.includes(id))).toEqual([])
    expect(things.nodes).toEqual([{ id: door }, { id: otherDoor }])
    const page = (await (await rest(locker, '/commands?first=100')).json()) as { items: { executionId: string }[] }
    expect(page.items.map(({ executionId }) => executionId)).toEqual(seen)
    for (const id of others) {
      expect(await locker.query(`{ execution(id: "${id}") { id } }`)).toEqual({ execution: null })
      expect((await rest(locker, `/commands/${id}`)).status).toBe(404)
      expect((await locker.cancel(id)).errors).toMatchObject([{ code: 'EXECUTION_NOT_FOUND' }])
      expect((await admin.execution(id)).status).toBe('SENT')
      await expect((await overWebSocket(locker).watch({ id })).next()).rejects.toThrow(/EXECUTION_NOT_FOUND/)
    }
    expect(await locker.query(`{ thing(id: "${lamp}") { id } }`)).toEqual({ thing: null })
    expect((await locker.cancel(mine[0] ?? '')).errors).toEqual([])
  })

  it.each([
    ['filter: { thingId: ["door-1", "lamp-1"] }'],
    ['filter: { action: ["lock", "unlock"] }'],
    ['filter: { status: [SENT, CANCELED] }'],
    ['filter: { thingId: "door-1", action: "lock", status: SENT }'],
    ['filter: { createdAt: { from: "2020-01-01T00:00:00Z" } }'],
    ['last: 100'],
  ])('sees no more with %s', async (args) => {
    const bounds = args.startsWith('last') ? args : `first: 100, ${args}`
    const query = `{ executions(${bounds}) { nodes { id thingId action } } }`
    type Page = { executions: { nodes: { id: string; thingId: string; action: string }[] } }
    const all = (await admin.query<Page>(query)).executions.nodes
    const covered = all.filter(({ thingId, action }) => thingId.startsWith('door-') && action === 'lock')
    expect((await locker.query<Page>(query)).executions.nodes).toEqual(covered)
  })

  it.each([
    ['WebSocket', overWebSocket],
    ['SSE', overSse],
  ])('is told live of what it may see, over %s', async (_door, over) => {
    const subscriber = over(locker)
    const watching = await subscriber.watch({ since: new Date().toISOString() })
    await idOf(admin, lamp, 'lock')
    await idOf(admin, door, 'unlock')
    const id = await idOf(admin, door, 'lock')
    // What changed shortly before `since` may be told, too.
    await watching.until((told) => {
      expect([told.thingId, told.action]).toEqual([expect.stringMatching(/^door-/), 'lock'])
      return told.id === id
    })
    await subscriber.close()
  })
})

describe('an admin for types com.example.*', () => {
  it('sees things of these types only, and what was sent to them as such', async () => {
    const id = await idOf(admin, door, 'lock')
    const hidden = await idOf(admin, otherDoor, 'lock')
    const { things, thingTypes } = await ofType.query<{ things: unknown; thingTypes: unknown }>(
      '{ things { nodes { id } } thingTypes { nodes { name } } }',
    )
    expect({ things, thingTypes }).toEqual({
      things: { nodes: [{ id: door }] },
      thingTypes: { nodes: [{ name: LOCK }] },
    })
    expect(await ofType.query(`{ execution(id: "${id}") { id } }`)).toEqual({ execution: { id } })
    expect(await ofType.query(`{ execution(id: "${hidden}") { id } }`)).toEqual({ execution: null })
  })

  it('cannot tell a thing of another type from one that is not registered', async () => {
    const answers = [await send(ofType, otherDoor, 'lock'), await send(ofType, 'nobody', 'lock')]
    expect(answers.map(({ data }) => data?.sendCommand.errors)).toEqual([
      [{ code: 'THING_NOT_FOUND' }],
      [{ code: 'THING_NOT_FOUND' }],
    ])
  })

  it('is not answered by the execution of another, whose idempotency key it guesses', async () => {
    await admin.send({ thingId: otherDoor, action: 'lock', ttl: 60, idempotencyKey: 'guessed' })
    const { sendCommand } = await ofType.query<{ sendCommand: unknown }>(
      `mutation { sendCommand(input: { thingId: "${otherDoor}", action: "lock", ttl: 60, idempotencyKey: "guessed" }) { execution { id } errors { code } } }`,
    )
    expect(sendCommand).toEqual({ execution: null, errors: [{ code: 'IDEMPOTENCY_CONFLICT' }] })
  })

  it('manages things and types of its own, and neither keys nor the audit', async () => {
    const manage = (mutation: string) =>
      ofType.request<Record<string, { errors: { code: string }[] }>>(`mutation { done: ${mutation} }`)
    const own = await manage(`registerThing(input: { id: "door-3", thingType: "${LOCK}" }) { errors { code } }`)
    expect(own.data?.['done']?.errors).toEqual([])
    expect(codesOf(await manage('registerThing(input: { id: "door-4" }) { errors { code } }'))).toEqual(['FORBIDDEN'])
    const taken = await manage(`updateThing(input: { id: "${otherDoor}", tags: [] }) { errors { code } }`)
    expect(taken.data?.['done']?.errors).toEqual([{ code: 'THING_NOT_FOUND' }])
    expect(codesOf(await manage('updateThing(input: { id: "door-3", thingType: null }) { errors { code } }'))).toEqual([
      'FORBIDDEN',
    ])
    const gone = await manage(`deregisterThing(id: "${lamp}") { errors { code } }`)
    expect(gone.data?.['done']?.errors).toEqual([{ code: 'THING_NOT_FOUND' }])
    expect(codesOf(await manage('defineThingType(input: { name: "org.other" }) { errors { code } }'))).toEqual([
      'FORBIDDEN',
    ])
    expect(codesOf(await manage('deleteThingType(name: "org.other") { errors { code } }'))).toEqual(['FORBIDDEN'])
    expect(codesOf(await manage('createApiKey(input: { name: "x", role: ADMIN }) { errors { code } }'))).toEqual([
      'FORBIDDEN',
    ])
    expect(codesOf(await ofType.request('{ apiKeys { nodes { id } } }'))).toEqual(['FORBIDDEN'])
    expect(codesOf(await ofType.request('{ auditEvents { nodes { id } } }'))).toEqual(['FORBIDDEN'])
    expect(
      (await fetch(`${service.url}/metrics`, { headers: { authorization: ofType.authorization ?? '' } })).status,
    ).toBe(403)
  })
})

describe('subscribers with one selection', () => {
  it('are each told what they may see of an event', async () => {
    // A thing that has lost the type with which it was sent to: the execution is covered, and the thing is not.
    await admin.registerThing('door-9', { thingType: LOCK })
    const id = await idOf(admin, 'door-9', 'lock')
    await admin.query('mutation { updateThing(input: { id: "door-9", thingType: null }) { errors { code } } }')
    const query = 'subscription ($id: ID) { executionUpdated(id: $id) { status thing { id } } }'
    const clients = [admin.webSocket(), ofType.webSocket()]
    const following = clients.map((client) => client.iterate({ query, variables: { id } }))
    const things = async () =>
      Promise.all(
        following.map(
          async (one) => (await one.next()).value?.data?.['executionUpdated'] as { thing: { id: string } | null },
        ),
      )
    expect((await things()).map(({ thing }) => thing)).toEqual([{ id: 'door-9' }, null])
    await admin.cancel(id)
    expect((await things()).map(({ thing }) => thing)).toEqual([{ id: 'door-9' }, null])
    for (const client of clients) await client.dispose()
  })
})
