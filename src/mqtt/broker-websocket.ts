import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket } from 'ws'

/** A WebSocket as the broker takes it: a packet goes out as one frame, and the last one, which may say why, before the end. */
export function openWebSocketStream(socket: WebSocket): Duplex {
  const stream = createWebSocketStream(socket)
  // As it is, each part of a packet is a frame of its own, and waits until the one before is sent.
  stream._writev = (chunks: { chunk: Buffer }[], done) =>
    socket.send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  const destroy = stream.destroy.bind(stream)
  return Object.assign(stream, {
    destroy(error?: Error) {
      // What was written in this turn is sent at its end, and not at all once the socket is gone.
      setImmediate(destroy, error)
      return stream
    },
  })
}
