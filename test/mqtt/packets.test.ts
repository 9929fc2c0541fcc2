import fc from 'fast-check'
import { type Packet, parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { encodePuback, encodePublish, type Publish } from '../../src/mqtt/packets.ts'

const VERSIONS = [4, 5] as const

/** As the library reads them: those of mqtt.js and of aedes. */
function read(bytes: Buffer, protocolVersion: number): Packet[] {
  const packets: Packet[] = []
  const reader = parser({ protocolVersion })
  reader.on('packet', (packet) => packets.push(packet))
  reader.on('error', (error) => {
    throw error
  })
  expect(reader.parse(bytes)).toBe(0)
  return packets
}

const text = fc.string({ unit: 'grapheme', maxLength: 300 })
const properties = fc.record({
  messageExpiryInterval: fc.integer({ min: 1, max: 86_400 }),
  contentType: fc.constant('application/json'),
  responseTopic: text,
  correlationData: text,
  userProperties: fc.option(fc.record({ traceparent: text, tracestate: text }, { requiredKeys: [] }), {
    nil: undefined,
  }),
})
const publish: fc.Arbitrary<Publish> = fc.record(
  {
    topic: text.filter((topic) => topic.length > 0),
    payload: fc.oneof(
      text,
      fc.nat(20_000).map((length) => 'ä'.repeat(length)),
    ),
    messageId: fc.integer({ min: 1, max: 65_535 }),
    properties,
  },
  { requiredKeys: ['topic', 'payload'] },
)

test('a PUBLISH is read by the library as what it was written from', () => {
  const check = (version: number, { topic, payload, messageId, properties }: Publish) => {
    const [packet, ...rest] = read(
      encodePublish(version, { topic, payload, ...(messageId && { messageId }), ...(properties && { properties }) }),
      version,
    )
    expect(rest).toEqual([])
    if (packet?.cmd !== 'publish') throw new Error(`got ${packet?.cmd}, expected publish`)
    expect({ topic: packet.topic, payload: String(packet.payload), messageId: packet.messageId }).toEqual({
      topic,
      payload,
      messageId,
    })
    expect(packet).toMatchObject({ qos: messageId === undefined ? 0 : 1, dup: false, retain: false })
    if (version !== 5 || !properties) {
      expect(packet.properties ?? {}).toEqual({})
      return
    }
    const { userProperties, correlationData, ...others } = properties
    expect({ ...packet.properties, userProperties: { ...packet.properties?.userProperties } }).toEqual({
      ...others,
      correlationData: Buffer.from(correlationData),
      userProperties: userProperties ?? {},
    })
  }
  fc.assert(fc.property(fc.constantFrom(...VERSIONS), publish, check), { numRuns: 300 })
})

test.each([1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])(
  'a PUBLISH of about %i bytes has a length that is read',
  (size) => {
    for (const length of [size - 6, size - 5, size - 4, size - 3, size - 2, size].filter((one) => one > 0)) {
      const [packet] = read(encodePublish(5, { topic: 't', payload: 'x'.repeat(length) }), 5)
      expect(packet).toMatchObject({ cmd: 'publish', topic: 't' })
      expect(packet && 'payload' in packet && packet.payload?.length).toBe(length)
    }
  },
)

test.each(VERSIONS)('a PUBACK of version %i is read by the library with its message id', (version) => {
  for (const messageId of [1, 255, 256, 65_535])
    expect(read(encodePuback(messageId), version)).toMatchObject([{ cmd: 'puback', messageId }])
})
