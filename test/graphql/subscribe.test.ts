/** Equal selections of one event share their result; others must not. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'

let service: Service
const thingId = uniqueName('thing')

beforeAll(async () => {
  service = await startService()
  await service.registerThing(thingId)
})
afterAll(() => service.stop())

type Update = Record<string, unknown>

it('tells each subscriber what it selected, however alike the documents are', async () => {
  const selection = 'id ...More @include(if: $more) as: status'
  const document = (name: string) =>
    `subscription ${name}($more: Boolean! = false, $thing: [ID!]) { ${name}: executionUpdated(filter: { thingId: $thing }) { ${selection} } }
     fragment More on Execution { action thing { id } }`
  const subscribers: [string, { more?: boolean; thing: string[] }][] = [
    ['one', { more: true, thing: [thingId] }],
    ['one', { more: false, thing: [thingId] }],
    ['one', { thing: [thingId, 'another'] }],
    ['other', { more: true, thing: [thingId] }],
    ['other', { more: true, thing: [thingId] }],
    ['other', { more: true, thing: ['another'] }],
  ]
  const socket = service.webSocket()
  const told = subscribers.map(([name, variables]) => {
    const updates: Update[] = []
    socket.subscribe<Record<string, Update>>(
      { query: document(name), variables },
      { next: ({ data }) => data?.[name] && updates.push(data[name]), error: () => {}, complete: () => {} },
    )
    return updates
  })
  // A socket is read in order: answered, all subscriptions before it are heard of.
  await socket.iterate({ query: '{ __typename }' }).next()
  const { execution } = await service.send({ thingId, action: 'reboot' })
  const short = { id: execution?.id, as: 'SENT' }
  const long = { ...short, action: 'reboot', thing: { id: thingId } }
  await expect.poll(() => told).toEqual([[long], [short], [short], [long], [long], []])
  await socket.dispose()
})

it('tells each subscriber of what its text names, though the texts differ in nothing else', async () => {
  const other = uniqueName('other')
  await service.registerThing(other)
  const document = (thing: string, selection = 'thingId') =>
    `subscription Of${thing.length} { executionUpdated(filter: { thingId: "${thing}", status: SENT }) { ${selection} } }`
  const socket = service.webSocket()
  const heard = [thingId, other, thingId, uniqueName('nobody')].map((thing) => {
    const things: unknown[] = []
    socket.subscribe<{ executionUpdated: Update }>(
      { query: document(thing) },
      { next: ({ data }) => things.push(data?.executionUpdated['thingId']), error: () => {}, complete: () => {} },
    )
    return things
  })
  await socket.iterate({ query: '{ __typename }' }).next()
  await service.send({ thingId: other, action: 'reboot' })
  await service.send({ thingId, action: 'reboot' })
  await expect.poll(() => heard).toEqual([[thingId], [other], [thingId], []])
  await socket.dispose()
})

it('refuses values in the words for their own document, whether its shape is known or not', async () => {
  const socket = service.webSocket()
  const refusal = async (name: string, since: string) => {
    const query = `subscription { ${name}: executionUpdated(since: ${since}) { id } }`
    const changes = socket.iterate({ query })
    const told = await changes.next().catch((error: unknown) => error)
    return JSON.stringify(told).replaceAll(name, 'name')
  }
  const valid = (name: string) => `subscription { ${name}: executionUpdated(since: "2025-01-01T00:00:00Z") { id } }`
  const unknown = await refusal('first', '"no instant"')
  const known = socket.iterate({ query: valid('other') })
  await socket.iterate({ query: '{ __typename }' }).next()
  expect(await refusal('other', '"no instant"')).toBe(unknown)
  expect(unknown).toContain('no instant')
  await known.return?.()
  await socket.dispose()
})
