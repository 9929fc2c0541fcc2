/**
 * The newest states that are known of executions. In numbers only, and not in a map of objects: of tens of thousands of those
 * each is kept for seconds, so that every garbage collection has to go through them, and they take six times the memory.
 */

/** The newest state that is known of an execution. */
export interface Known {
  /** From 0 to 65,534. */
  version: number
  /** Since when it is known, on the clock of performance.now(). */
  at: number
}

/** What is known of the executions that changed last. */
export interface Versions {
  get(executionId: string): Known | undefined
  raise(executionId: string, version: number): void
}

/** The bits of an id. */
type Key = readonly [number, number, number, number]

/** A part of all that is known, in open addressing: an entry is in the first slot that was free from where its id points. */
interface Table {
  /** Four for each slot. */
  words: Int32Array
  /** One more than the version; 0: the slot is free. */
  versions: Uint16Array
  times: Float64Array
  size: number
}

/**
 * Bounded as base/bounded-map.ts is: when the young half is full, it becomes the old one, and what the old one held is
 * forgotten unless it was touched since.
 */
export function createVersions(max: number): Versions {
  const half = Math.ceil(max / 2)
  // Sparse enough for short ways, and a power of two.
  const slots = 2 ** Math.ceil(Math.log2(half * 1.25))
  let young = createTable(slots)
  let old = createTable(slots)

  function note(key: Key, version: number, at: number): void {
    put(young, key, version, at)
    if (young.size < half) return
    const emptied = old
    old = young
    young = emptied
    young.versions.fill(0)
    young.size = 0
  }

  return {
    get(executionId) {
      const key = keyOf(executionId)
      const known = find(young, key)
      if (known) return known
      const older = find(old, key)
      if (older) note(key, older.version, older.at)
      return older
    },
    raise: (executionId, version) => note(keyOf(executionId), version, performance.now()),
  }
}

const createTable = (slots: number): Table => ({
  words: new Int32Array(4 * slots),
  versions: new Uint16Array(slots),
  times: new Float64Array(slots),
  size: 0,
})

function find(table: Table, key: Key): Known | undefined {
  const slot = slotOf(table, key)
  const stored = table.versions[slot] ?? 0
  return stored === 0 ? undefined : { version: stored - 1, at: table.times[slot] ?? 0 }
}

function put(table: Table, key: Key, version: number, at: number): void {
  const slot = slotOf(table, key)
  if (table.versions[slot] === 0) table.size++
  table.words.set(key, 4 * slot)
  table.versions[slot] = version + 1
  table.times[slot] = at
}

/** Where the id is, or could be put: a table is never full. Of a UUIDv7 the last bits are random. */
function slotOf({ words, versions }: Table, key: Key): number {
  const mask = versions.length - 1
  let slot = key[3] & mask
  while (versions[slot] !== 0 && !isAt(words, slot, key)) slot = (slot + 1) & mask
  return slot
}

const isAt = (words: Int32Array, slot: number, [first, second, third, fourth]: Key): boolean =>
  words[4 * slot + 3] === fourth &&
  words[4 * slot + 2] === third &&
  words[4 * slot + 1] === second &&
  words[4 * slot] === first

/** "0190163d-8694-739b-8000-0123456789ab" */
const keyOf = (id: string): Key => [readBits(id, 0, 8), readBits(id, 9, 18), readBits(id, 19, 28), readBits(id, 28, 36)]

const DASH = 0x2d
const NINE = 0x39

function readBits(id: string, from: number, to: number): number {
  let bits = 0
  for (let at = from; at < to; at++) {
    const char = id.charCodeAt(at)
    // The digits are 0x30 and on, the letters 0x41 or 0x61 and on.
    if (char !== DASH) bits = (bits << 4) | ((char & 15) + (char > NINE ? 9 : 0))
  }
  return bits
}
