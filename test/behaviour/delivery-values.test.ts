/** Which `delivery` a command has: the send's own, the definition's, AT_MOST_ONCE; through GraphQL and REST. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'

const COMMANDS = [
  { name: 'again', delivery: 'AT_LEAST_ONCE' },
  { name: 'once', delivery: 'AT_MOST_ONCE' },
  { name: 'unsaid' },
]

describe('delivery', () => {
  let service: Service
  const thingId = uniqueName('thing')
  const typeName = uniqueName('com.example.pump')

  beforeAll(async () => {
    service = await startService()
    const defined = await service.query(
      `mutation ($input: DefineThingTypeInput!) {
        defineThingType(input: $input) { thingType { commands { name delivery } } errors { code } }
      }`,
      { input: { name: typeName, commands: COMMANDS } },
    )
    const commands = COMMANDS.map(({ name, delivery = null }) => ({ name, delivery }))
    expect(defined).toEqual({ defineThingType: { thingType: { commands }, errors: [] } })
    await service.registerThing(thingId, { thingType: typeName })
  })

  afterAll(() => service.stop())

  const post = async (body: object, headers: Record<string, string> = {}) => {
    const response = await fetch(`${service.url}/api/v1/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ thingId, ttl: 1, ...body }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it("is the send's own, else the definition's, else AT_MOST_ONCE", async () => {
    const cases: [string, string | undefined, string][] = [
      ['again', undefined, 'AT_LEAST_ONCE'],
      ['again', 'AT_MOST_ONCE', 'AT_MOST_ONCE'],
      ['once', undefined, 'AT_MOST_ONCE'],
      ['once', 'AT_LEAST_ONCE', 'AT_LEAST_ONCE'],
      ['unsaid', undefined, 'AT_MOST_ONCE'],
      ['unsaid', 'AT_LEAST_ONCE', 'AT_LEAST_ONCE'],
    ]
    for (const [action, delivery, expected] of cases) {
      const { execution } = await service.send({ thingId, action, ttl: 1, ...(delivery && { delivery }) })
      expect(execution).toMatchObject({ action, delivery: expected, publishCount: 1 })
      const sent = await post({ action, delivery })
      expect(sent).toMatchObject({ status: 201, body: { action, delivery: expected, publishCount: 1 } })
      const read = await fetch(`${service.url}/api/v1/commands/${execution?.id}`)
      expect(await read.json()).toMatchObject({ delivery: expected, publishCount: 1 })
    }
  })

  it('may be written in the document, and be null', async () => {
    const send = (delivery: string) =>
      service.request(`mutation {
        sendCommand(input: { thingId: "${thingId}", action: "again", ttl: 1, delivery: ${delivery} }) {
          execution { delivery } errors { code }
        }
      }`)
    for (const [given, expected] of [
      ['AT_MOST_ONCE', 'AT_MOST_ONCE'],
      ['null', 'AT_LEAST_ONCE'],
    ] as const) {
      expect(await send(given)).toEqual({ data: { sendCommand: { execution: { delivery: expected }, errors: [] } } })
    }
    expect((await send('EXACTLY_ONCE')).errors).toMatchObject([{ message: expect.stringContaining('EXACTLY_ONCE') }])
  })

  it('of another value is refused by name, at each door', async () => {
    const { errors } = await service.request(
      'mutation ($input: SendCommandInput!) { sendCommand(input: $input) { errors { code } } }',
      { input: { thingId, action: 'again', delivery: 'TWICE' } },
    )
    expect(errors).toMatchObject([{ message: expect.stringMatching(/input\.delivery.*TWICE/) }])
    const expected = 'expected one of AT_MOST_ONCE, AT_LEAST_ONCE'
    for (const delivery of ['TWICE', 1, ['AT_LEAST_ONCE'], null]) {
      expect(await post({ action: 'again', delivery })).toMatchObject({
        status: 400,
        body: { code: 'INPUT_INVALID', errors: [{ path: ['delivery'], message: expected }] },
      })
    }
  })

  it('is part of what an idempotency key stands for', async () => {
    const input = { thingId, action: 'unsaid', ttl: 1 }
    const [unsaid, again] = [`${thingId}-unsaid`, `${thingId}-again`]
    const { execution: first } = await service.send({ ...input, idempotencyKey: unsaid })
    expect((await service.send({ ...input, idempotencyKey: unsaid })).execution?.id).toBe(first?.id)
    const other = await service.send({ ...input, idempotencyKey: unsaid, delivery: 'AT_LEAST_ONCE' })
    expect(other).toMatchObject({ execution: null, errors: [{ code: 'IDEMPOTENCY_CONFLICT' }] })

    const repeated = { ...input, idempotencyKey: again, delivery: 'AT_LEAST_ONCE' }
    const { execution: second } = await service.send(repeated)
    expect((await service.send(repeated)).execution?.id).toBe(second?.id)
    const viaRest = await post({ action: 'unsaid', delivery: 'AT_LEAST_ONCE' }, { 'idempotency-key': again })
    expect(viaRest).toMatchObject({ status: 201, body: { executionId: second?.id } })
    expect(await post({ action: 'unsaid' }, { 'idempotency-key': again })).toMatchObject({ status: 409 })
  })
})
