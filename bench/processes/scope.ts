/** What a run started, ended in the reverse order: at its end, where it fails, and on Ctrl-C. */

export interface Scope {
  /** To be called at the end. */
  defer(stop: () => unknown): void
  close(): Promise<void>
}

export function createScope(): Scope {
  const stops: (() => unknown)[] = []
  return {
    defer: (stop) => stops.push(stop),
    async close() {
      for (let stop = stops.pop(); stop; stop = stops.pop()) await attempt(stop)
    },
  }
}

/** One thing that does not end must not keep the others, such as a database to be dropped, from ending. */
async function attempt(stop: () => unknown): Promise<void> {
  try {
    await stop()
  } catch (error) {
    process.stderr.write(`could not clean up: ${error instanceof Error ? error.message : error}\n`)
  }
}
