import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

interface Chunk {
  chunk: Buffer | string
  encoding: BufferEncoding
}

/**
 * Sends what is written to a socket in one turn of the event loop in one piece. A system call costs more than all that is
 * done for a small message before it, and a packet is written in many parts: together they were a fifth of the service's time.
 */
export function joinWrites(stream: Duplex): void {
  if (!(stream instanceof Socket)) return
  holdUntilEndOfTurn(stream)
  // In Node's own way, each part is an element of its own for writev(2).
  stream._writev = (chunks: Chunk[], done) =>
    stream._write(Buffer.concat(chunks.map(toBuffer)), 'buffer' as BufferEncoding, done)
}

function holdUntilEndOfTurn(socket: Socket): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  let isHeld = false
  socket.write = (...args: unknown[]): boolean => {
    if (!isHeld) {
      isHeld = true
      socket.cork()
      setImmediate(() => {
        isHeld = false
        socket.uncork()
      })
    }
    return write(...args)
  }
}

const toBuffer = ({ chunk, encoding }: Chunk): Buffer =>
  typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
