/** A map of limited size: when it is full, what was not asked for longest leaves. For what can be had again. */
export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  delete(key: Key): void
}

/** `sizeOf` says what an entry counts; by default all count the same. */
export function createBoundedMap<Key, Value>(
  maxSize: number,
  sizeOf: (key: Key) => number = () => 1,
): BoundedMap<Key, Value> {
  // A map remembers the order of insertion, so its first entry is the one that was not touched longest.
  const entries = new Map<Key, Value>()
  let size = 0

  function remove(key: Key): void {
    if (entries.delete(key)) size -= sizeOf(key)
  }

  return {
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    set(key, value) {
      remove(key)
      entries.set(key, value)
      size += sizeOf(key)
      for (const oldest of entries.keys()) {
        if (size <= maxSize) return
        remove(oldest)
      }
    },
    delete: remove,
  }
}
