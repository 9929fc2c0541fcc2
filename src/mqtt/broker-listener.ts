/** The TCP doors of the embedded broker: one without TLS, and one with it where there is a certificate. */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { ServerTls } from '../base/config-tls.ts'
import type { Logger } from '../base/log.ts'

export interface DoorOptions {
  host: string
  /** The next free one where it is taken; 0 takes any free one. */
  port: number
  /** Of the second door, whose port is found in the same way. */
  tls?: (ServerTls & { port: number }) | undefined
  log: Logger
}

export interface Doors {
  port: number
  tlsPort: number | undefined
  /** Shows and believes it from the next connection on. Of no consequence without a door with TLS. */
  renew(tls: ServerTls): void
  /** Lets nobody in any more; resolves once everybody is out. */
  close(): Promise<unknown>
}

const OTHER_PORTS = 20
const KEEPALIVE_PROBE_MS = 60_000
const HANDSHAKE_DEADLINE_MS = 10_000

/** Rejects where listening is impossible, such as on a host that is not ours. */
export async function openDoors({ host, port, tls, log }: DoorOptions, onSocket: (socket: Socket) => void) {
  // First, because it throws where a certificate cannot be used.
  const secure = tls && createTlsDoor(tls, log, onSocket)
  const plain = await listenNear(host, port, createServer(onPrepared(onSocket)))
  const servers = [plain]
  const close = () => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  try {
    if (tls && secure) servers.push(await listenNear(host, tls.port, secure))
  } catch (error) {
    await close()
    throw error
  }
  for (const server of servers)
    server.on('error', (error) => log.error({ err: error }, 'the embedded MQTT broker cannot accept connections'))
  const renew = ({ cert, key, ca }: ServerTls) => secure?.setSecureContext({ cert, key, ...(ca && { ca }) })
  return { port: portOf(plain), tlsPort: secure && portOf(secure), renew, close } satisfies Doors
}

/** With a `ca`, who has no certificate that it signed is refused before he says a word of MQTT. */
function createTlsDoor({ cert, key, ca }: ServerTls, log: Logger, onSocket: (socket: Socket) => void): TlsServer {
  const asksForCertificate = ca !== undefined
  const server = createTlsServer(
    {
      cert,
      key,
      ca,
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
      handshakeTimeout: HANDSHAKE_DEADLINE_MS,
    },
    onPrepared(onSocket),
  )
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'an MQTT client failed at TLS'))
  return server
}

const onPrepared = (onSocket: (socket: Socket) => void) => (socket: Socket) => {
  socket.setNoDelay(true)
  // For clients with an MQTT keep alive of 0, which never time out otherwise.
  socket.setKeepAlive(true, KEEPALIVE_PROBE_MS)
  onSocket(socket)
}

function portOf(server: Server): number {
  const address = server.address()
  return address && typeof address === 'object' ? address.port : 0
}

/** Listens on `port`; where it is taken, on one of the next 20, else on any free one. 0 takes a free one. */
async function listenNear(host: string, port: number, server: Server): Promise<Server> {
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
