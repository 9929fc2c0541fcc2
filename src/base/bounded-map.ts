/** A map of limited size, for what can be had again: what was not touched for long leaves. */
export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  delete(key: Key): void
}

/**
 * In two generations: when the young one has half of the size, it becomes the old one, and what the old one held is forgotten
 * unless it was touched since. Entries are not taken out one by one, which would make a large map reorganise itself all the time.
 * `sizeOf` says what an entry counts; by default all count the same.
 */
export function createBoundedMap<Key, Value>(
  maxSize: number,
  sizeOf: (key: Key) => number = () => 1,
): BoundedMap<Key, Value> {
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()
  let youngSize = 0

  function set(key: Key, value: Value): void {
    if (!young.has(key)) youngSize += sizeOf(key)
    young.set(key, value)
    if (youngSize <= maxSize / 2) return
    old = young
    young = new Map()
    youngSize = 0
  }

  return {
    get(key) {
      const value = young.get(key)
      if (value !== undefined) return value
      const older = old.get(key)
      if (older !== undefined) set(key, older)
      return older
    },
    set,
    delete(key) {
      if (young.delete(key)) youngSize -= sizeOf(key)
      old.delete(key)
    },
  }
}
