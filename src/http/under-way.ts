/** The answers that are under way: what an orderly stop waits for. */
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface UnderWay {
  /** Of each request. */
  enter(res: ServerResponse): void
  /** From now on each answer tells its client to leave the connection. */
  dismissClients(): void
  /** Resolves when all are answered, or after so many milliseconds. Streams are ended: their clients come back elsewhere. */
  finish(withinMs: number): Promise<void>
}

const LOOK_EVERY_MS = 20

export function createUnderWay(): UnderWay {
  const open = new Set<ServerResponse>()
  let isDismissing = false
  return { enter, dismissClients, finish }

  function enter(res: ServerResponse): void {
    open.add(res)
    // Not `once`, nor a function for each request: it comes once only, and tells whose it is.
    res.on('close', leave)
    if (isDismissing) dismiss(res)
  }

  function leave(this: ServerResponse): void {
    open.delete(this)
  }

  function dismissClients(): void {
    isDismissing = true
    for (const res of open) dismiss(res)
  }

  async function finish(withinMs: number): Promise<void> {
    const endsAt = performance.now() + withinMs
    while (open.size > 0 && performance.now() < endsAt) {
      for (const res of open) if (isStream(res)) res.destroy()
      await delay(LOOK_EVERY_MS)
    }
  }
}

/** Without it a keep-alive client would send its next request into a connection that is about to be closed. */
function dismiss(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('connection', 'close')
}

/** Any other answer ends in the moment in which it begins. */
const isStream = (res: ServerResponse): boolean => res.headersSent && !res.writableEnded
