/**
 * One MQTT connection that answers for some things at once. Written on mqtt-packet, one write for all that came in one
 * read: a thousand devices run beside what they measure, and must not be what limits it.
 */
import { connect, type Socket } from 'node:net'
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet'

export interface DeviceConnectionOptions {
  host: string
  port: number
  /** 5, or 4 for 3.1.1. */
  version: 4 | 5
  clientId: string
  things: readonly string[]
}

/** As much as Mosquitto is told to have on its way to one client. */
const RECEIVE_MAXIMUM = 1000
const ANSWER = '{"status":"SUCCEEDED","result":{"currentTemperature":21}}'
const SUBSCRIBE_ID = 1
const MAX_MESSAGE_ID = 65_535

/** Resolves once subscribed; the connection then lives as long as the process. */
export function openDeviceConnection(options: DeviceConnectionOptions): Promise<void> {
  const { host, port, version, clientId } = options
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    const packets = parser({ protocolVersion: version })
    const outgoing: Buffer[] = []
    let messageId = SUBSCRIBE_ID
    const put = (packet: Packet) => outgoing.push(generate(packet, { protocolVersion: version }))

    socket.on('connect', () => {
      const properties = version === 5 ? { properties: { receiveMaximum: RECEIVE_MAXIMUM } } : {}
      put({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: version,
        clientId,
        clean: true,
        keepalive: 0,
        ...properties,
      })
      flush(socket, outgoing)
    })
    socket.on('data', (data) => {
      packets.parse(data)
      flush(socket, outgoing)
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`the broker closed the connection of ${clientId}`)))
    packets.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connack') put(subscription(options))
      else if (packet.cmd === 'suback') acceptSuback(packet.granted, resolve, reject)
      else if (packet.cmd === 'publish') {
        messageId = messageId === MAX_MESSAGE_ID ? 1 : messageId + 1
        put({ cmd: 'puback', messageId: packet.messageId ?? 0 })
        put(answerTo(packet, messageId))
      }
    })
    packets.on('error', reject)
  })
}

function flush(socket: Socket, outgoing: Buffer[]): void {
  if (outgoing.length > 0) socket.write(Buffer.concat(outgoing))
  outgoing.length = 0
}

function subscription({ things }: DeviceConnectionOptions): Packet {
  const subscriptions = things.map((thing) => ({
    topic: `$emqx/commands/things/${thing}/executions/+/request`,
    qos: 1 as const,
  }))
  return { cmd: 'subscribe', messageId: SUBSCRIBE_ID, subscriptions }
}

function acceptSuback(granted: unknown, accept: () => void, refuse: (error: Error) => void): void {
  const codes = Array.isArray(granted) ? granted : []
  if (codes.every((code) => code === 1)) accept()
  else refuse(new Error('the broker refused the subscription of a device'))
}

function answerTo({ topic }: IPublishPacket, messageId: number): Packet {
  const responseTopic = `${topic.slice(0, -'request'.length)}response`
  return { cmd: 'publish', topic: responseTopic, payload: ANSWER, qos: 1, dup: false, retain: false, messageId }
}
