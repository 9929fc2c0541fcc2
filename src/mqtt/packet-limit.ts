/** Refuses a packet that is too big by its first bytes, before anybody buffers it. */
import type { Duplex } from 'node:stream'

/**
 * Destroys the stream as soon as the fixed header of a packet announces more than `maxBytes` (MQTT 3.1.1, 2.2.3).
 * aedes would collect 256 MB first. Sits on `read`, which is how aedes takes its bytes, so nothing is copied.
 */
export function limitPackets(stream: Duplex, maxBytes: number): void {
  const read = stream.read.bind(stream)
  const isWithinLimit = createPacketScan(maxBytes)
  stream.read = (size?: number): unknown => {
    const chunk: unknown = read(size)
    if (!(chunk instanceof Buffer) || isWithinLimit(chunk)) return chunk
    stream.destroy(new Error(`a packet of more than ${maxBytes} bytes, or one that is not MQTT`))
    return null
  }
}

/** A function that is given the bytes of a connection chunk by chunk, and is false from the first bad length on. */
function createPacketScan(maxBytes: number): (chunk: Buffer) => boolean {
  let bytesToSkip = 0
  /** Undefined until the first byte of a packet, its type and flags, has passed. */
  let length: { value: number; factor: number } | undefined

  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (bytesToSkip > 0) {
        const skipped = Math.min(bytesToSkip, chunk.length - at)
        bytesToSkip -= skipped
        at += skipped
        continue
      }
      if (!takeHeaderByte(chunk[at] ?? 0)) return false
      at += 1
    }
    return true
  }

  function takeHeaderByte(byte: number): boolean {
    if (!length) {
      length = { value: 0, factor: 1 }
      return true
    }
    length.value += (byte & 0x7f) * length.factor
    length.factor *= 0x80
    if (length.value > maxBytes) return false
    // The top bit says that another byte of the length follows; four are the most.
    if (byte & 0x80) return length.factor < 0x80 ** 4
    bytesToSkip = length.value
    length = undefined
    return true
  }
}
