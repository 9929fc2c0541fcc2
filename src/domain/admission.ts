/** Lets so many sends in at once, and refuses the rest at once, instead of letting all of them wait until they fail. */
export interface Admission {
  /** Whether a send with so many bytes of params may begin. Who was let in must leave, with the same number. */
  enter(bytes: number): boolean
  leave(bytes: number): void
}

/** Of params as JSON. Each may have 240 KB, so that their number alone would not bound the memory. */
const MAX_BYTES = 32 * 1024 * 1024

/** Two counters: a send takes no turn and waits for no lock. */
export function createAdmission(maxSends: number, maxBytes: number = MAX_BYTES): Admission {
  let sends = 0
  let bytes = 0
  return {
    enter(more) {
      if (sends >= maxSends || bytes + more > maxBytes) return false
      sends += 1
      bytes += more
      return true
    },
    leave(gone) {
      sends -= 1
      bytes -= gone
    },
  }
}
