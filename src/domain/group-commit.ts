import { isRefusal } from '../db/errors.ts'

/** What several callers want of the database at the same time, done in one statement and one commit. */
export type GroupCommit<Item, Done> = (item: Item) => Promise<Done>

/**
 * Gathers what waits while a batch is on its way into the next batch: alone an item waits for nothing, in a rush many share
 * one round trip and one flush of the log. There is no timer. One batch is under way at a time, because two would be
 * smaller ones; what waits is bounded by the callers, each of whom waits for its own item.
 *
 * `commit` answers for each item, in their order. Where the database refuses the values of a batch, each item is tried
 * alone, so that a bad one does not spoil the others.
 */
export function createGroupCommit<Item, Done>(
  limit: BatchLimit<Item>,
  commit: (items: readonly Item[]) => Promise<readonly Done[]>,
): GroupCommit<Item, Done> {
  const waiting: Waiting<Item, Done>[] = []
  let working = false

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (working) return
      working = true
      // After the input that came together with this item has been read: it belongs to the same batch.
      setImmediate(work)
    })

  async function work(): Promise<void> {
    while (waiting.length > 0) await commitTogether(commit, takeBatch(waiting, limit))
    working = false
  }
}

/** A batch ends at so many items, or as soon as it is so large. */
export interface BatchLimit<Item> {
  items: number
  size?: { max: number; of: (item: Item) => number }
}

function takeBatch<Item, Done>(waiting: Waiting<Item, Done>[], { items, size }: BatchLimit<Item>) {
  let count = 0
  let total = 0
  for (const { item } of waiting) {
    if (count === items || (size && total >= size.max)) break
    count += 1
    total += size?.of(item) ?? 0
  }
  return waiting.splice(0, count)
}

interface Waiting<Item, Done> {
  item: Item
  resolve: (done: Done) => void
  reject: (error: unknown) => void
}

async function commitTogether<Item, Done>(
  commit: (items: readonly Item[]) => Promise<readonly Done[]>,
  batch: readonly Waiting<Item, Done>[],
): Promise<void> {
  try {
    const done = await commit(batch.map(({ item }) => item))
    if (done.length !== batch.length) throw new Error('a group commit must answer for each of its items')
    for (const [index, value] of done.entries()) batch[index]?.resolve(value)
  } catch (error) {
    if (batch.length > 1 && isRefusal(error)) for (const one of batch) await commitTogether(commit, [one])
    else for (const { reject } of batch) reject(error)
  }
}
