import type { Store } from '../db/connect.ts'
import type { Context } from './context.ts'
import { findExecutions } from './executions.ts'

const READ_AT_ONCE = 500
/** More than this waiting to be read is not read one by one: subscribers catch up from the database instead. */
const MAX_WAITING = 10_000
const RETRY_MS = 500

/**
 * Brings what other replicas committed to this one's subscribers: Postgres tells which executions changed, and they are
 * read and published like our own. Returns the function that ends it.
 */
export async function followReplicas(ctx: Context, store: Store): Promise<() => void> {
  const waiting = new Set<string>()
  /** Everything before it was read when the first of `waiting` came. */
  let readUpTo = new Date(0)
  let reading: Set<string> | undefined
  let stopped = false

  // What this replica commits while a row is being read may be newer than the row: then the row is not told of.
  const unlisten = ctx.live.listen({}, { onChange: ({ id }) => reading?.delete(id), onGap: () => {} })
  const hasSubscribers = () => ctx.live.listenerCount() > 1

  async function readWaiting(): Promise<void> {
    while (waiting.size > 0 && !stopped) {
      const ids = [...waiting].slice(0, READ_AT_ONCE)
      reading = new Set(ids)
      for (const id of ids) waiting.delete(id)
      try {
        const rows = await findExecutions(ctx, ids)
        ctx.live.publish(rows.filter(({ id }) => reading?.has(id)))
      } catch (error) {
        ctx.log.warn({ err: error }, 'changes of other replicas could not be read; trying again')
        for (const id of ids) waiting.add(id)
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    reading = undefined
  }

  await store.listen({
    onChanged(ids, since) {
      if (!hasSubscribers() || stopped) return
      if (waiting.size === 0) readUpTo = since
      for (const id of ids) waiting.add(id)
      if (waiting.size > MAX_WAITING) {
        waiting.clear()
        ctx.live.announceGap(readUpTo)
      }
      if (!reading) void readWaiting()
    },
    onGap(since) {
      ctx.log.warn({ since }, 'the link to the database was away; subscribers catch up')
      ctx.live.announceGap(since)
    },
  })
  return () => {
    stopped = true
    unlisten()
  }
}
