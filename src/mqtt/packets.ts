/**
 * The packets that are written thousands of times a second, each at once into a buffer of its size. The library writes a
 * packet number by number, each in a buffer of its own: a tenth of all the memory that a command went through.
 */

export interface Publish {
  topic: string
  payload: string
  /** Of QoS 1; absent: QoS 0. */
  messageId?: number
  /** Left out where the connection is of MQTT 3.1.1, which has none. */
  properties?: PublishProperties
}

/** Those of MQTT 5 that a request has (3.3.2.3). */
export interface PublishProperties {
  /** Seconds. */
  messageExpiryInterval: number
  contentType: string
  responseTopic: string
  correlationData: string
  userProperties?: Readonly<Record<string, string>> | undefined
}

/** Names of properties (MQTT 5, 2.2.2.2). */
const MESSAGE_EXPIRY_INTERVAL = 0x02
const CONTENT_TYPE = 0x03
const RESPONSE_TOPIC = 0x08
const CORRELATION_DATA = 0x09
const USER_PROPERTY = 0x26

/** The first byte: the kind of the packet, and of a PUBLISH its QoS (MQTT 5, 2.1.3). Never retained, and never sent twice. */
const PUBLISH = 0x30
const PUBLISH_QOS_1 = 0x32
const PUBACK = 0x40

/** Where the next bytes go. */
interface Pen {
  packet: Buffer
  at: number
}

/** A PUBLISH of MQTT 5 or, with any other version, of MQTT 3.1.1. Texts are of at most 65,535 bytes each, but for the payload. */
export function encodePublish(version: number | undefined, { topic, payload, messageId, properties }: Publish): Buffer {
  const ofProperties = version === 5 && properties ? sizeOfProperties(properties) : 0
  const length =
    sizeOfText(topic) +
    (messageId === undefined ? 0 : 2) +
    (version === 5 ? sizeOfLength(ofProperties) + ofProperties : 0) +
    Buffer.byteLength(payload)
  const pen: Pen = { packet: Buffer.allocUnsafe(1 + sizeOfLength(length) + length), at: 0 }
  writeByte(pen, messageId === undefined ? PUBLISH : PUBLISH_QOS_1)
  writeLength(pen, length)
  writeText(pen, topic)
  if (messageId !== undefined) writeShort(pen, messageId)
  if (version === 5) {
    writeLength(pen, ofProperties)
    if (properties) writeProperties(pen, properties)
  }
  pen.packet.write(payload, pen.at)
  return pen.packet
}

/** The PUBACK of a message that was taken: without a reason it is the same in both versions (MQTT 5, 3.4.2.1). */
export const encodePuback = (messageId: number): Buffer => Buffer.from([PUBACK, 2, messageId >> 8, messageId & 0xff])

function sizeOfProperties({ contentType, responseTopic, correlationData, userProperties }: PublishProperties): number {
  let size = 5 + 1 + sizeOfText(contentType) + 1 + sizeOfText(responseTopic) + 1 + sizeOfText(correlationData)
  for (const [name, value] of Object.entries(userProperties ?? {})) size += 1 + sizeOfText(name) + sizeOfText(value)
  return size
}

function writeProperties(pen: Pen, properties: PublishProperties): void {
  const { messageExpiryInterval, contentType, responseTopic, correlationData, userProperties } = properties
  writeByte(pen, MESSAGE_EXPIRY_INTERVAL)
  pen.at = pen.packet.writeUInt32BE(messageExpiryInterval, pen.at)
  writeByte(pen, CONTENT_TYPE)
  writeText(pen, contentType)
  writeByte(pen, RESPONSE_TOPIC)
  writeText(pen, responseTopic)
  writeByte(pen, CORRELATION_DATA)
  writeText(pen, correlationData)
  for (const [name, value] of Object.entries(userProperties ?? {})) {
    writeByte(pen, USER_PROPERTY)
    writeText(pen, name)
    writeText(pen, value)
  }
}

const sizeOfText = (text: string): number => 2 + Buffer.byteLength(text)

function writeText(pen: Pen, text: string): void {
  const size = pen.packet.write(text, pen.at + 2)
  writeShort(pen, size)
  pen.at += size
}

function writeByte(pen: Pen, byte: number): void {
  pen.packet[pen.at++] = byte
}

function writeShort(pen: Pen, value: number): void {
  pen.at = pen.packet.writeUInt16BE(value, pen.at)
}

/** A length has seven bits in each byte (MQTT 5, 1.5.5). */
const sizeOfLength = (length: number): number => (length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4)

function writeLength(pen: Pen, length: number): void {
  let rest = length
  for (; rest > 127; rest >>>= 7) writeByte(pen, (rest & 127) | 128)
  writeByte(pen, rest)
}
