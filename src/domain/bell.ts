/** Wakes what would otherwise have to ask again and again whether there is something to do. */
export interface Bell {
  ring(): void
  /** Resolves after so long, or as soon as it is rung; at once where it was rung since the last wait. */
  wait(ms: number): Promise<void>
}

/** A bell for one who waits. */
export function createBell(): Bell {
  let isRung = false
  let wake = () => {}
  return {
    ring() {
      isRung = true
      wake()
    },
    async wait(ms) {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      isRung = false
    },
  }
}
