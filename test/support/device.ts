/** A device under the control of a test: what it got it tells, and it answers only what it is told to. */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { parseRequest, type RequestMessage } from '../../src/protocol/messages.ts'
import { parseRequestTopic, requestFilter, responseTopic } from '../../src/protocol/topics.ts'

export interface ReceivedRequest extends RequestMessage {
  executionId: string
  receivedAt: number
}

export interface TestDevice {
  client: MqttClient
  /** Everything it got, oldest first. */
  requests: ReceivedRequest[]
  /** The next request that was not taken yet, waiting for it. */
  nextRequest(): Promise<ReceivedRequest>
  /** Publishes a response; resolves once the broker has it. */
  respond(executionId: string, response: unknown): Promise<void>
  /** Publishes anything as the response of an execution. */
  respondRaw(executionId: string, payload: string | Buffer): Promise<void>
  stop(): Promise<void>
}

interface TestDeviceOptions extends Pick<IClientOptions, 'username' | 'password' | 'ca' | 'cert' | 'key'> {
  clean?: boolean
  answer?: (request: ReceivedRequest) => unknown
}

/** Connects as a thing (3.1.1, which every broker speaks) and subscribes to its requests. */
export async function startTestDevice(
  url: string,
  thingId: string,
  { clean = true, answer, ...login }: TestDeviceOptions = {},
): Promise<TestDevice> {
  const client = mqtt.connect(url, {
    clientId: thingId,
    clean,
    protocolVersion: 4,
    reconnectPeriod: 100,
    manualConnect: true,
    ...login,
  })
  const requests: ReceivedRequest[] = []
  let taken = 0
  let wake = () => {}
  const respondRaw = async (executionId: string, payload: string | Buffer) => {
    await client.publishAsync(responseTopic({ thingId, executionId }), payload, { qos: 1 })
  }
  const respond = (executionId: string, response: unknown) => respondRaw(executionId, JSON.stringify(response))
  client.on('message', (topic, payload) => {
    const named = parseRequestTopic(topic)
    const request = parseRequest(payload)
    if (!named || !request) throw new Error(`no request: ${topic}`)
    const received = { ...request, executionId: named.executionId, receivedAt: Date.now() }
    requests.push(received)
    wake()
    const response = answer?.(received)
    if (response !== undefined) void respond(named.executionId, response)
  })
  client.on('error', () => {})
  client.connect()
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  await client.subscribeAsync(requestFilter(thingId), { qos: 1 })

  return {
    client,
    requests,
    respond,
    respondRaw,
    async nextRequest() {
      while (taken >= requests.length) await new Promise<void>((resolve) => (wake = resolve))
      const request = requests[taken++]
      if (!request) throw new Error('no request')
      return request
    },
    stop: () => client.endAsync(),
  }
}
