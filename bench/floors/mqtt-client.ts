/** What the broker and its client cost alone: request, echo of the device, response. Nothing is recorded. */
import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import { connect, type MqttClient } from 'mqtt'
import { thingName } from '../fleet.ts'
import { createLoop, type Flight } from '../load/closed-loop.ts'
import { readSettings, serveParent } from '../processes/parent.ts'

export interface MqttFloorSettings {
  url: string
  things: number
}

const TTL_SECONDS = 60
const RECEIVE_MAXIMUM = 1000
const EXECUTION_ID_LEVEL = 5

await serveParent(async () => {
  const { url, things } = readSettings<MqttFloorSettings>()
  const client = await subscribed(url)
  const flights = new Map<string, Flight>()
  client.on('message', (topic) => {
    const id = topic.split('/')[EXECUTION_ID_LEVEL] ?? ''
    flights.get(id)?.settled()
    flights.delete(id)
  })
  let count = 0
  const loop = createLoop((flight) => {
    count += 1
    const id = randomUUID()
    flights.set(id, flight)
    publishRequest(client, thingName(count % things), id, flight)
  })
  return { served: loop as never }
})

async function subscribed(url: string): Promise<MqttClient> {
  const properties = { receiveMaximum: RECEIVE_MAXIMUM }
  const client = connect(url, { clientId: 'bench-mqtt-only', protocolVersion: 5, properties })
  await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject))
  if (client.stream instanceof Socket) client.stream.setNoDelay(true)
  await client.subscribeAsync('$emqx/commands/things/+/executions/+/response', { qos: 1 })
  return client
}

/** The very message that the service has to send: payload and properties as the protocol asks. */
function publishRequest(client: MqttClient, thing: string, id: string, flight: Flight): void {
  const execution = `$emqx/commands/things/${thing}/executions/${id}`
  const request = {
    commandId: id,
    action: 'setTemperature',
    params: { value: 21 },
    timestamp: Math.floor(Date.now() / 1000),
    ttl: TTL_SECONDS,
  }
  const properties = {
    messageExpiryInterval: TTL_SECONDS,
    contentType: 'application/json',
    responseTopic: `${execution}/response`,
    correlationData: Buffer.from(id),
  }
  client.publish(`${execution}/request`, JSON.stringify(request), { qos: 1, properties }, flight.answered)
}
