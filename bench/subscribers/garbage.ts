/** Lets a service that was started with an inspector collect its garbage, so that only what it holds is counted. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import WebSocket from 'ws'

/** Twice, because the first time finds objects whose finalizers hold others. */
const COLLECTIONS = 2
/** V8 gives pages back after it has swept them, in threads of its own. */
const SWEEPING_MS = 500

export async function collectGarbage(inspectorUrl: string): Promise<void> {
  const socket = new WebSocket(inspectorUrl)
  await once(socket, 'open')
  for (let id = 1; id <= COLLECTIONS; id++) {
    socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }))
    await once(socket, 'message')
    await delay(SWEEPING_MS)
  }
  socket.close()
}
