import { isRefusal } from '../db/errors.ts'
import { NotAnswered, NotBegun, PATIENCE_MS } from './patience.ts'

/**
 * What several callers want of the database at the same time, done in one statement and one commit. `since`: when the
 * caller began to wait (performance.now); absent: now.
 */
export type GroupCommit<Item, Done> = (item: Item, since?: number) => Promise<Done>

/** Between two looks at who has waited too long, while a batch is under way. */
const LOOK_EVERY_MS = 250

/**
 * Gathers what waits while a batch is on its way into the next batch: alone an item waits for nothing, in a rush many share
 * one round trip and one flush of the log. No timer holds a batch back. One is under way at a time, because two would be
 * smaller ones; what waits is bounded by the callers, each of whom waits for its own item.
 *
 * `commit` answers for each item, in their order. Where the database refuses the values of a batch, each item is tried
 * alone, so that a bad one does not spoil the others. Nobody waits for one stuck batch after the other: who has waited for
 * PATIENCE_MS is taken out where his item was not begun (NotBegun), and otherwise told that there is no answer (NotAnswered).
 */
export function createGroupCommit<Item, Done>(
  limit: BatchLimit<Item>,
  commit: (items: readonly Item[]) => Promise<readonly Done[]>,
): GroupCommit<Item, Done> {
  let waiting: Waiting<Item, Done>[] = []
  let underWay: Waiting<Item, Done>[] = []
  let working = false

  return (item, since = performance.now()) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, since, resolve, reject })
      if (working) return
      working = true
      // After the input that came together with this item has been read: it belongs to the same batch.
      setImmediate(work)
    })

  async function work(): Promise<void> {
    const looking = setInterval(giveUpLate, LOOK_EVERY_MS)
    while (waiting.length > 0) {
      underWay = takeBatch(waiting, limit)
      await commitTogether(commit, underWay)
    }
    underWay = []
    clearInterval(looking)
    working = false
  }

  function giveUpLate(): void {
    const latest = performance.now() - PATIENCE_MS
    for (const { since, reject } of underWay) if (since < latest) reject(new NotAnswered('the batch is stuck'))
    const late = waiting.filter(({ since }) => since < latest)
    if (late.length === 0) return
    waiting = waiting.filter(({ since }) => since >= latest)
    for (const { reject } of late) reject(new NotBegun('the batches before it are stuck'))
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
  since: number
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
    for (let index = 0; index < batch.length; index++) batch[index]?.resolve(done[index] as Done)
  } catch (error) {
    if (batch.length > 1 && isRefusal(error)) for (const one of batch) await commitTogether(commit, [one])
    else for (const { reject } of batch) reject(error)
  }
}
