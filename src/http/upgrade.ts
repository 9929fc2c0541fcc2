/** From a request to a WebSocket, or to a refusal that says why. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocketServer } from 'ws'
import { joinWrites } from '../base/join-writes.ts'
import type { Logger } from '../base/log.ts'
import { assignRequestId } from '../base/request-id.ts'
import type { Gate } from './gate.ts'

export interface Upgrade {
  req: IncomingMessage
  socket: Duplex
  head: Buffer
}

const ORIGIN_REFUSED = 'Origin: pages of another origin than ours may open no sockets, but for those in CORS_ORIGINS.'

/** `server`: that of the path, if there is one. */
export function upgrade(server: WebSocketServer | undefined, gate: Gate, { req, socket, head }: Upgrade, log: Logger) {
  socket.on('error', toLog(log))
  const misdirection = gate.misdirection(req)
  if (misdirection) return reject(socket, '421 Misdirected Request', misdirection)
  if (!server) return reject(socket, '404 Not Found', 'There are no sockets here.')
  if (!gate.letsPage(req)) return reject(socket, '403 Forbidden', ORIGIN_REFUSED)
  assignRequestId(req)
  joinWrites(socket)
  server.handleUpgrade(req, socket, head, (ws) => server.emit('connection', ws, req))
}

/** Made here, and not there: the listener stays for as long as the socket, and would keep the request with it. */
const toLog = (log: Logger) => (error: Error) => log.debug({ err: error }, 'a socket broke before it was upgraded')

function reject(socket: Duplex, status: string, why: string): void {
  const head = [`HTTP/1.1 ${status}`, 'Connection: close', 'Content-Type: text/plain; charset=utf-8']
  socket.end(`${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(why)}\r\n\r\n${why}`)
}
