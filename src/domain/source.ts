import { setTimeout as sleep } from 'node:timers/promises'
import { isDatabaseUnavailable } from '../db/errors.ts'

/** What is to be handed out, and where more of it comes from: the live changes, and the database for what they left out. */
export interface Source<Item> {
  /** The next one, where it is at hand. */
  take(): Item | undefined
  /** Whether the database must be read before there is a next one. */
  mustRead(): boolean
  /** Reads once. After an error it must read still. */
  read(): Promise<void>
  /** Whether no more will come. */
  isFinished(): boolean
  /** Listens no longer, and forgets what it holds. */
  close(): void
}

export interface Bell {
  ring(): void
  /** Until it rings next. It rings for those who wait already: look first, then wait. */
  wait(): Promise<void>
}

export function createBell(): Bell {
  let wake = () => {}
  return {
    ring: () => wake(),
    wait: () =>
      new Promise((resolve) => {
        wake = resolve
      }),
  }
}

const RETRY_MS = 500

/**
 * The source as an iterator; the bell tells that there is news in it. No generator: `return()` ends it at once, also while a
 * `next()` waits. `onEnd` may be called more than once.
 */
export function iterateSource<Item>(
  source: Source<Item>,
  bell: Bell,
  onEnd: () => void = () => {},
): AsyncIterableIterator<Item> {
  let ended = false
  /** How many calls of `next()` are not answered yet, and what the latest of them is answered with. */
  let waiting = 0
  let latest: Promise<IteratorResult<Item>> | undefined

  function end(): void {
    ended = true
    source.close()
    onEnd()
    bell.ring()
  }

  async function advance(): Promise<IteratorResult<Item>> {
    try {
      while (!ended) {
        const item = source.take()
        if (source.isFinished()) end()
        if (item) return { done: false, value: item }
        if (!ended) await getMore()
      }
      return { done: true, value: undefined }
    } finally {
      waiting -= 1
    }
  }

  /** Reads, or waits for news. Not an async function: most subscribers wait here, and each of those would be one more. */
  const getMore = () => (source.mustRead() ? read() : bell.wait())

  /** A database that is away is tried again. */
  async function read(): Promise<void> {
    try {
      await source.read()
    } catch (error) {
      if (ended) return
      if (isDatabaseUnavailable(error)) return sleep(RETRY_MS)
      end()
      throw error
    }
  }

  return {
    /** One at a time, however often it is called. */
    next() {
      const before = waiting > 0 ? latest : undefined
      waiting += 1
      latest = before ? before.then(advance, advance) : advance()
      return latest
    },
    async return() {
      end()
      return { done: true, value: undefined }
    },
    async throw(error) {
      end()
      throw error
    },
    [Symbol.asyncIterator]: itself,
  }
}

/** One for all iterators. */
export function itself<T>(this: T): T {
  return this
}
