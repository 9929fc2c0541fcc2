/** Work under way, by key: bounded by the requests under way. */
export type Turns = Map<string, Promise<unknown>>

/** Does the work after what is under way for the same key, whatever becomes of that. */
export async function inTurn<T>(turns: Turns, key: string, work: () => Promise<T>): Promise<T> {
  const before = turns.get(key) ?? Promise.resolve()
  const mine = before.then(work, work)
  turns.set(key, mine)
  try {
    return await mine
  } finally {
    if (turns.get(key) === mine) turns.delete(key)
  }
}
