/** Sockets for postgres.js that do not leave a query without an answer, as its own do in two cases. */
import { connect, type Socket } from 'node:net'

/** What postgres.js passes of its options. */
interface Address {
  host: string[]
  port: number[]
  path: string | false
}

/**
 * Opens a socket that fails where
 * - the other side hangs up before it said a word, as a load balancer with nothing behind it does: postgres.js would
 *   connect again at once, for ever, and the query would never end;
 * - the other side does not answer what was sent: a firewall or a host that is gone without a FIN, which TCP by itself
 *   finds out after a quarter of an hour. `answerDeadlineMs` is to be more than any statement may take; without it such a
 *   query waits. (It waits over TLS, too, where postgres.js takes our listeners off.)
 * Those that are open are in `open`.
 */
export function createSocketFactory(answerDeadlineMs?: number, open = new Set<Socket>()) {
  let attempts = 0
  return ({ host, port, path }: Address): Socket => {
    const at = attempts++ % host.length
    const socket = path ? connect(path) : connect(port[at] ?? 5432, host[at] ?? 'localhost')
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    failOnHangUp(socket)
    if (answerDeadlineMs !== undefined) failOnSilence(socket, answerDeadlineMs)
    // Where postgres.js looks for the name that TLS verifies.
    return Object.assign(socket, { host: host[at], port: port[at] })
  }
}

function failOnHangUp(socket: Socket): void {
  socket.once('end', () => {
    if (socket.bytesRead === 0) socket.destroy(failure('ECONNRESET', 'Postgres hung up before it answered'))
  })
}

function failOnSilence(socket: Socket, deadlineMs: number): void {
  let deadline: NodeJS.Timeout | undefined
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  socket.write = (...args: unknown[]): boolean => {
    deadline ??= setTimeout(() => socket.destroy(failure('ETIMEDOUT', 'Postgres did not answer in time')), deadlineMs)
    return write(...args)
  }
  const calm = () => {
    clearTimeout(deadline)
    deadline = undefined
  }
  socket.on('data', calm)
  socket.once('close', calm)
}

const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code })
