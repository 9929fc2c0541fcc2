/** The door for callers without GraphQL: `/api/v1`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Described, describedBy } from '../support/openapi.ts'
import { defineType, deregisterThing } from '../support/registry.ts'
import { REPLICAS, type Service, startService } from '../support/service.ts'

interface Answer {
  status: number
  type: string | null
  location: string | null
  body: Record<string, unknown>
}

describe('REST', () => {
  let service: Service
  let device: TestDevice
  let check: Described
  const thingId = uniqueName('thermostat')
  const typed = uniqueName('typed')

  beforeAll(async () => {
    service = await startService()
    const name = uniqueName('com.example.thermostat')
    const paramsSchema = { properties: { value: { type: 'number' } }, required: ['value'] }
    await defineType(service, { name, commands: [{ name: 'setTemperature', paramsSchema }] })
    await service.registerThing(thingId)
    await service.registerThing(typed, { thingType: name })
    device = await startTestDevice(service.mqttUrl, thingId, { answer: ({ params }) => params['answer'] })
    check = describedBy((await get('/openapi.json')).body)
  })

  afterAll(async () => {
    await device.stop()
    await service.stop()
  })

  it('sends a command and shows what becomes of it', async () => {
    const sent = await post({ thingId, action: 'setTemperature', params: { value: 24 }, ttl: 60 })
    const { executionId, commandId, createdAt, expiresAt } = sent.body
    expect(sent).toEqual({
      status: 201,
      type: 'application/json',
      location: `/api/v1/commands/${executionId}`,
      body: {
        executionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        commandId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        thingId,
        action: 'setTemperature',
        params: { value: 24 },
        ttl: 60,
        delivery: 'AT_MOST_ONCE',
        publishCount: 1,
        // Mosquitto does not tell, and the embedded broker's word may come after the command.
        thingOnline: expect.toBeOneOf([true, null]),
        status: 'SENT',
        result: null,
        statusReason: null,
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        expiresAt: new Date(Date.parse(String(createdAt)) + 60_000).toISOString(),
        settledAt: null,
      },
    })
    const request = await device.nextRequest()
    expect(request).toMatchObject({ executionId, commandId, params: { value: 24 }, ttl: 60 })
    expect(await get(`/commands/${executionId}`)).toMatchObject({ status: 200, body: sent.body })

    await device.respond(request.executionId, { status: 'FAILED', result: [1], reason: { code: 'HOT' } })
    let found = await get(`/commands/${executionId}`)
    while (found.body['status'] === 'SENT') found = await get(`/commands/${executionId}`)
    expect(found.body).toEqual({
      ...sent.body,
      status: 'FAILED',
      result: [1],
      statusReason: { code: 'HOT', message: null },
      expiresAt,
      settledAt: expect.any(String),
    })
    expect(await service.execution(String(executionId))).toMatchObject({ status: 'FAILED', requestedBy: null })
  })

  it('answers the same Idempotency-Key with the same execution', async () => {
    const headers = { 'idempotency-key': uniqueName('key') }
    const body = { thingId, action: 'once' }
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(body, headers)))
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]?.status).toBe(201)
    expectProblem(await post({ ...body, ttl: 31 }, headers), 409, 'IDEMPOTENCY_CONFLICT', [['idempotencyKey']])
    const overGraphQL = await service.send({ ...body, idempotencyKey: headers['idempotency-key'] })
    expect(overGraphQL.execution?.id).toBe(answers[0]?.body['executionId'])
  })

  it('tells why it refuses a command, as problem details', async () => {
    expectProblem(await post({ thingId: 'nobody', action: 'x' }), 404, 'THING_NOT_FOUND', [['thingId']])
    expectProblem(await post({ thingId: typed, action: 'x' }), 422, 'ACTION_UNKNOWN', [['action']])
    const params = { action: 'setTemperature', thingId: typed }
    expectProblem(await post(params), 422, 'PARAMS_INVALID', [['params', 'value']])
    expectProblem(await post({ ...params, params: { value: '\u0000' } }), 422, 'PARAMS_INVALID', [['params', 'value']])
    for (const ttl of [0, 86_401, 1.5, -1])
      expectProblem(await post({ thingId, action: 'x', ttl }), 422, 'TTL_OUT_OF_RANGE', [['ttl']])
    expectProblem(await post({ thingId, action: '' }), 400, 'INPUT_INVALID', [['action']])
    expectProblem(await post({ thingId, action: 'x' }, { 'idempotency-key': 'x'.repeat(256) }), 400, 'INPUT_INVALID', [
      ['idempotencyKey'],
    ])
    expectProblem(await post({ thingId, action: '', ttl: 0 }), 400, 'INPUT_INVALID', [['action'], ['ttl']])
  })

  it('refuses what is no request', async () => {
    expectProblem(await post({}), 400, 'INPUT_INVALID', [['thingId'], ['action']])
    expectProblem(await post({ thingId: 1, action: null }), 400, 'INPUT_INVALID', [['thingId'], ['action']])
    expectProblem(await post({ thingId, action: 'x', params: [] }), 400, 'INPUT_INVALID', [['params']])
    expectProblem(await post({ thingId, action: 'x', ttl: '30' }), 400, 'INPUT_INVALID', [['ttl']])
    expectProblem(await post({ thingId, action: 'x', tll: 30 }), 400, 'INPUT_INVALID', [[]])
    for (const text of ['', '{', '[]', 'null', '"x"', '\u0000', '{"a":1}}'])
      expectProblem(await send('/commands', { method: 'POST', body: text }), 400, 'INPUT_INVALID')
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])
      expectProblem(await post({ thingId, action: 'x' }, { 'content-type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE')
    expect((await post({ thingId, action: 'x' }, { 'content-type': 'application/JSON; charset=utf-8' })).status).toBe(
      201,
    )
  })

  // By the door itself: a balancer answers a body that is too big in its own way.
  it.skipIf(REPLICAS > 1)('refuses a body of more than 256 KB, whether or not its length is told', async () => {
    const text = JSON.stringify({ thingId, action: 'x', params: { text: 'x'.repeat(257 * 1024) } })
    expectProblem(await send('/commands', { method: 'POST', body: text }), 413, 'BODY_TOO_LARGE')
    const chunked = { method: 'POST', body: new Blob([text]).stream(), duplex: 'half' as const }
    expectProblem(await send('/commands', chunked), 413, 'BODY_TOO_LARGE')
  })

  it('knows no execution but its own, and no path but those it describes', async () => {
    for (const id of ['0190163d-8694-739b-aea5-966c26f8ad91', 'x', '%00', '%E0%A4%A', "'"])
      expectProblem(await get(`/commands/${id}`), 404, 'EXECUTION_NOT_FOUND')
    expectProblem(await get('/nothing'), 404, 'NOT_FOUND')
    expectProblem(await send('/commands', { method: 'PUT', body: '{}' }), 404, 'NOT_FOUND')
  })

  it('lists executions, newest first, by each filter, page by page', async () => {
    const [one, two] = [uniqueName('listed'), uniqueName('listed')]
    await service.registerThing(one)
    await service.registerThing(two)
    const ids: string[] = []
    for (let n = 0; n < 6; n++) {
      const sent = await post({ thingId: n % 2 ? two : one, action: n < 3 ? 'a' : 'b', ttl: 600 })
      ids.unshift(String(sent.body['executionId']))
    }
    await service.cancel(ids[0] ?? '')
    const list = async (query: string) => {
      const { body, status } = await get(`/commands?${query}`)
      const items = body['items'] as { executionId: string }[]
      return { status, numbers: items.map(({ executionId }) => ids.indexOf(executionId)), ...Object(body['pageInfo']) }
    }
    const both = `thingId=${one}&thingId=${two}`
    expect(await list(both)).toMatchObject({ status: 200, numbers: [0, 1, 2, 3, 4, 5], hasNextPage: false })
    expect(await list(`thingId=${one}`)).toMatchObject({ numbers: [1, 3, 5] })
    expect(await list(`${both}&action=b&status=SENT`)).toMatchObject({ numbers: [1, 2] })
    expect(await list(`${both}&action=a&action=b&status=CANCELED&status=FAILED`)).toMatchObject({ numbers: [0] })
    expect(await list('thingId=none')).toEqual({ status: 200, numbers: [], hasNextPage: false, endCursor: null })
    const first = await list(`${both}&first=4`)
    expect(first).toMatchObject({ numbers: [0, 1, 2, 3], hasNextPage: true })
    expect(await list(`${both}&first=4&after=${first.endCursor}`)).toMatchObject({
      numbers: [4, 5],
      hasNextPage: false,
    })
    expect(await list(`${both}&first=0`)).toMatchObject({ numbers: [], hasNextPage: true })
    const { body } = await get(`/commands?thingId=${one}&first=1`)
    expect((body['items'] as unknown[])[0]).toEqual((await get(`/commands/${ids[1]}`)).body)
  })

  it('refuses what is no list', async () => {
    for (const query of [
      'status=DONE',
      'first=x',
      'first=-1',
      'first=101',
      'first=1&first=2',
      'after=x',
      'after=a&after=b',
    ])
      expectProblem(await get(`/commands?${query}`), 400, 'INPUT_INVALID')
  })

  it('keeps the history of a thing that is gone', async () => {
    const gone = uniqueName('gone')
    await service.registerThing(gone)
    const { body } = await post({ thingId: gone, action: 'x', ttl: 600 })
    await deregisterThing(service, gone)
    expect((await get(`/commands/${body['executionId']}`)).body).toEqual(body)
  })

  it('is described, each path and each parameter', async () => {
    const { body } = await get('/openapi.json')
    expect(body).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/api/v1' }] })
    const paths = body['paths'] as Record<string, Record<string, { summary?: string; parameters?: { name: string }[] }>>
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { summary, parameters = [] }]) => {
        expect(summary).toMatch(/\w/)
        return [method, path, ...parameters.map(({ name }) => name)].join(' ')
      }),
    )
    expect(described.sort()).toEqual([
      'get /commands thingId action status first after',
      'get /commands/{executionId} executionId',
      'post /commands idempotency-key',
    ])
  })

  const get = (path: string) => send(path)

  const post = (body: unknown, headers: Record<string, string> = {}) =>
    send('/commands', { method: 'POST', body: JSON.stringify(body), headers })

  /** Each answer is held against what openapi.json says of it. */
  async function send(path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = { ...(init.body !== undefined && { 'content-type': 'application/json' }), ...init.headers }
    const response = await fetch(`${service.url}/api/v1${path}`, { ...init, headers })
    const body = (await response.json()) as Record<string, unknown>
    const type = response.headers.get('content-type')
    check?.(init.method ?? 'GET', path, response.status, type, body)
    return { status: response.status, type, location: response.headers.get('location'), body }
  }

  function expectProblem({ status, type, body }: Answer, expected: number, code: string, paths?: string[][]) {
    expect({ status, type, code: body['code'] }).toEqual({ status: expected, type: 'application/problem+json', code })
    expect(body).toMatchObject({
      type: 'about:blank',
      title: expect.stringMatching(/\w/),
      status,
      detail: expect.stringMatching(/\w/),
    })
    if (!paths) return
    expect((body['errors'] as { path: string[] }[]).map(({ path }) => path)).toEqual(paths)
  }
})
