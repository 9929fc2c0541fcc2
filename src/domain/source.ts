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

type Answer<Item> = (result: IteratorResult<Item> | Promise<never>) => void

const RETRY_MS = 500
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

/**
 * A source as an iterator; `open` makes it, and is given what tells that there is news in it. No generator: `return()` ends
 * it at once, also while a `next()` waits. Nor is there an async function that waits for news: most subscribers do, and
 * each would be one more.
 */
export function iterateSource<Item>(
  open: (onNews: () => void) => Source<Item>,
  onEnd: () => void = () => {},
): AsyncIterableIterator<Item> {
  /** Calls of `next()` that have no answer yet, the first one first. */
  let waiting: readonly Answer<Item>[] | undefined
  let isReading = false
  let ended = false
  const source = open(serve)

  function serve(): void {
    while (waiting && (ended || !isReading)) {
      const result = nextResult()
      if (!result) return
      answerFirst(result)
    }
  }

  /** Undefined where it is still to come. */
  function nextResult(): IteratorResult<Item> | undefined {
    if (ended) return DONE
    const item = source.take()
    if (source.isFinished()) end()
    if (item) return { done: false, value: item }
    if (ended) return DONE
    if (source.mustRead()) void read()
    return undefined
  }

  function answerFirst(result: IteratorResult<Item> | Promise<never>): void {
    const [first, ...others] = waiting ?? []
    waiting = others.length > 0 ? others : undefined
    first?.(result)
  }

  function end(): void {
    if (ended) return
    ended = true
    source.close()
    onEnd()
  }

  /** A database that is away is tried again. */
  async function read(): Promise<void> {
    isReading = true
    try {
      await source.read()
    } catch (error) {
      if (isDatabaseUnavailable(error)) await sleep(RETRY_MS)
      else if (!ended) {
        end()
        answerFirst(Promise.reject(error))
      }
    }
    isReading = false
    serve()
  }

  return {
    next: () =>
      new Promise((resolve) => {
        waiting = waiting ? [...waiting, resolve] : [resolve]
        serve()
      }),
    async return() {
      end()
      serve()
      return DONE
    },
    throw: throwAfterReturn,
    [Symbol.asyncIterator]: itself,
  }
}

/** One for all iterators. */
export function itself<T>(this: T): T {
  return this
}

/** One for all iterators. */
export async function throwAfterReturn(this: AsyncIterator<unknown>, error: unknown): Promise<never> {
  await this.return?.()
  throw error
}
