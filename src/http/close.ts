/** The orderly end of a port. */
import type { Server } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { WebSocketServer } from 'ws'
import type { UnderWay } from './under-way.ts'

/** Of the doors, what may be open for long. */
export interface OpenSockets {
  /** Of each path. */
  sockets: Record<string, WebSocketServer>
  /** Called at the end: resolves once what came over sockets is answered, or after so many milliseconds. */
  finishSockets: (withinMs: number) => Promise<void>
}

/** A send takes five seconds at most of a database that is slow. */
const FINISH_MS = 8_000
const CLOSE_TIMEOUT_MS = 2_000
const TAKE_FOR_MS = 1_000
/** Of the event loop, in which no connection came: to read the requests of the last ones. */
const QUIET_TURNS = 3

/** Takes what has come, answers it, and ends what is left: sockets with 1001, so that their clients come back elsewhere. */
export async function closeServer(
  server: Server,
  underWay: UnderWay,
  { sockets, finishSockets }: OpenSockets,
): Promise<void> {
  underWay.dismissClients()
  await takeWhatCame(server)
  const closed = new Promise((resolve) => server.close(resolve))
  await Promise.all([underWay.finish(FINISH_MS), finishSockets(FINISH_MS)])
  for (const { clients } of Object.values(sockets)) for (const ws of clients) ws.close(1001, 'Going away')
  server.closeIdleConnections()
  const forced = setTimeout(() => {
    for (const { clients } of Object.values(sockets)) for (const ws of clients) ws.terminate()
    server.closeAllConnections()
  }, CLOSE_TIMEOUT_MS)
  await closed
  clearTimeout(forced)
}

/**
 * A process that is busy has not looked at all that reached it: closed then, connections and requests would be reset. The
 * event loop accepts one connection in each turn.
 */
async function takeWhatCame(server: Server): Promise<void> {
  let quietTurns = 0
  const begin = () => {
    quietTurns = 0
  }
  server.on('connection', begin)
  const endsAt = performance.now() + TAKE_FOR_MS
  for (; quietTurns < QUIET_TURNS && performance.now() < endsAt; quietTurns++) await nextTurn()
  server.off('connection', begin)
}
