/** A client as an application has it: urql with graphql-ws, put together as in its documentation. */
import {
  type AnyVariables,
  Client,
  cacheExchange,
  fetchExchange,
  gql,
  type OperationResult,
  subscriptionExchange,
} from '@urql/core'
import { createClient as createWsClient, type Client as WsClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { ExecutionData } from '../support/client.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'

const SEND = gql`
  mutation ($input: SendCommandInput!) {
    sendCommand(input: $input) { execution { id status result } errors { code message path } }
  }
`
const WATCH = gql`
  subscription ($id: ID!) { executionUpdated(id: $id) { id status result thing { id } } }
`

describe('urql', () => {
  let service: Service
  let device: TestDevice
  let sockets: WsClient
  let client: Client
  let pongs = 0
  /** What the service sends, before urql makes results of it. */
  const heard: unknown[] = []
  const thingId = uniqueName('urql')

  beforeAll(async () => {
    service = await startService()
    const url = `${service.url}/graphql`
    sockets = createWsClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      keepAlive: 50,
      on: { pong: (received) => (pongs += received ? 1 : 0) },
    })
    client = new Client({
      url,
      exchanges: [
        cacheExchange,
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: (request) => ({
            subscribe: (sink) => ({
              unsubscribe: sockets.subscribe(
                { ...request, query: request.query || '' },
                {
                  ...sink,
                  next(result) {
                    heard.push(result)
                    sink.next(result as Parameters<typeof sink.next>[0])
                  },
                },
              ),
            }),
          }),
        }),
      ],
    })
    await service.registerThing(thingId)
    device = await startTestDevice(service.mqttUrl, thingId)
  })

  afterAll(async () => {
    await sockets.dispose()
    await device.stop()
    await service.stop()
  })

  it('queries', async () => {
    const query = gql`query ($id: ID!) { thing(id: $id) { id clientId tags } }`
    const { data, error } = await client.query(query, { id: thingId }).toPromise()
    expect(error).toBeUndefined()
    expect(data?.thing).toMatchObject({ id: thingId, clientId: thingId, tags: [] })
  })

  it('sends, and watches until the end', async () => {
    const { data, error } = await client.mutation(SEND, { input: { thingId, action: 'reboot' } }).toPromise()
    expect(error).toBeUndefined()
    expect(data?.sendCommand).toMatchObject({ execution: { status: 'SENT' }, errors: [] })
    const { id } = data.sendCommand.execution

    const told: ExecutionData[] = []
    const { unsubscribe } = client
      .subscription<{ executionUpdated: ExecutionData }, AnyVariables>(WATCH, { id })
      .subscribe(({ data }) => data && told.push(data.executionUpdated))
    await expect.poll(() => heard).toHaveLength(1)
    await device.respond(id, { status: 'SUCCEEDED', result: { value: 24 } })
    await expect.poll(() => told.at(-1)?.status).toBe('SUCCEEDED')
    unsubscribe()
    expect(heard).toHaveLength(2)
    // When the service has completed it, urql 6 tells its last result once more.
    const news = told.filter(({ status }, at) => status !== told[at - 1]?.status)
    expect(news).toMatchObject([
      { id, status: 'SENT', result: null, thing: { id: thingId } },
      { id, status: 'SUCCEEDED', result: { value: 24 }, thing: { id: thingId } },
    ])
  })

  it('has expected failures as data', async () => {
    const input = { thingId: 'nobody', action: 'reboot' }
    const { data, error } = await client.mutation(SEND, { input }).toPromise()
    expect(error).toBeUndefined()
    expect(data?.sendCommand).toMatchObject({
      execution: null,
      errors: [{ code: 'THING_NOT_FOUND', path: ['thingId'] }],
    })
  })

  it('has the errors of a document as an error with a code', async () => {
    const { data, error } = await client.query(gql`{ nothing }`, {}).toPromise()
    expect(data).toBeUndefined()
    expect(error?.networkError).toBeUndefined()
    expect(error?.graphQLErrors[0]?.extensions).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' })
  })

  it('has the errors of a subscription, too', async () => {
    const id = '01890000-0000-7000-8000-000000000000'
    const { error } = await new Promise<OperationResult>((resolve) =>
      client.subscription(WATCH, { id }).subscribe(resolve),
    )
    expect(error?.graphQLErrors[0]?.extensions).toMatchObject({ code: 'EXECUTION_NOT_FOUND' })
  })

  it('is answered when it asks whether we are there', async () => {
    const { unsubscribe } = client.subscription(gql`subscription { executionUpdated { id } }`, {}).subscribe(() => {})
    await expect.poll(() => pongs).toBeGreaterThan(2)
    unsubscribe()
  })
})
