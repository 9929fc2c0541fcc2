/** A seeded generator: the same seed makes the same choices. Their moments depend on the machine as well. */
export interface Random {
  /** From 0 to 1 (exclusive). */
  next(): number
  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number
  pick<T>(values: readonly [T, ...T[]]): T
}

/** Mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return { next, between, pick: (values) => values[between(0, values.length - 1)] ?? values[0] }
}
