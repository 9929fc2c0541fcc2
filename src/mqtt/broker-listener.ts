/** The TCP door of the embedded broker. */
import { createServer, type Server, type Socket } from 'node:net'

const OTHER_PORTS = 20
const KEEPALIVE_PROBE_MS = 60_000

/** The TCP port that the server listens on. */
export function portOf(server: Server): number {
  const address = server.address()
  return address && typeof address === 'object' ? address.port : 0
}

/**
 * Listens on `port`; where it is taken, on one of the next 20, else on any free one. 0 takes a free one.
 * Rejects where listening is impossible for another reason, such as a host that is not ours.
 */
export async function listenNear(host: string, port: number, onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    // For clients with an MQTT keep alive of 0, which never time out otherwise.
    socket.setKeepAlive(true, KEEPALIVE_PROBE_MS)
    onSocket(socket)
  })
  for (const candidate of portsToTry(port)) {
    if (await tryListen(server, host, candidate)) return server
  }
  throw new Error(`no free port on ${host}`)
}

function portsToTry(port: number): number[] {
  if (port === 0) return [0]
  const near = Array.from({ length: OTHER_PORTS + 1 }, (_, offset) => port + offset)
  return [...near.filter((candidate) => candidate <= 65_535), 0]
}

/** Resolves to false where the port is taken. */
function tryListen(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      server.removeListener('listening', onListening)
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    }
    const onListening = () => {
      server.removeListener('error', onError)
      resolve(true)
    }
    server.once('error', onError)
    server.once('listening', onListening)
    server.listen(port, host)
  })
}
