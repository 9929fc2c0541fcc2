/** The append-only log of a run: in memory for the checker, and in a file for people. */
import { createWriteStream } from 'node:fs'
import type { Entry } from './check/records.ts'

export interface Journal {
  entries: readonly Entry[]
  write(entry: Entry): void
  close(): Promise<void>
}

export function openJournal(file: string): Journal {
  const entries: Entry[] = []
  const stream = createWriteStream(file, { flags: 'a' })
  return {
    entries,
    write(entry) {
      entries.push(entry)
      stream.write(`${JSON.stringify(entry)}\n`)
    },
    close: () => new Promise((resolve) => stream.end(resolve)),
  }
}
