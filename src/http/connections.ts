/** How many connections there may be, and for how long one may keep us waiting. */
import type { Server } from 'node:http'
import type { Logger } from '../base/log.ts'

const HEADERS_TIMEOUT_MS = 20_000
/** A request must have come whole within this time; the answer may take as long as a TTL. */
const REQUEST_TIMEOUT_MS = 30_000
/** How often Node looks for those who took too long: given when the server is made. */
export const CHECK_EVERY_MS = 5_000
const LOG_EVERY_MS = 10_000

/** A connection too many is closed before anything is read of it, and told in the log now and then. */
export function limitConnections(server: Server, maxConnections: number, log: Logger): void {
  let loggedAt = Number.NEGATIVE_INFINITY
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.maxConnections = maxConnections
  server.on('drop', () => {
    if (performance.now() - loggedAt < LOG_EVERY_MS) return
    loggedAt = performance.now()
    log.warn({ maxConnections }, 'connections are refused: there are MAX_CONNECTIONS already')
  })
}
