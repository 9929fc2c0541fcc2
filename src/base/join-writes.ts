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
  stream.write = holdUntilEndOfTurn as Socket['write']
  // In Node's own way, each part is an element of its own for writev(2).
  stream._writev = writeJoined
}

/** Sockets that are held. No state of each, and one function for all of them: there may be many thousands. */
const held = new WeakSet<Socket>()

function holdUntilEndOfTurn(this: Socket, ...args: Parameters<Socket['write']>): boolean {
  if (!held.has(this)) {
    held.add(this)
    this.cork()
    setImmediate(letGo, this)
  }
  return Socket.prototype.write.apply(this, args)
}

function letGo(socket: Socket): void {
  held.delete(socket)
  socket.uncork()
}

function writeJoined(this: Socket, chunks: Chunk[], done: (error?: Error | null) => void): void {
  this._write(Buffer.concat(chunks.map(toBuffer)), 'buffer' as BufferEncoding, done)
}

const toBuffer = ({ chunk, encoding }: Chunk): Buffer =>
  typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
