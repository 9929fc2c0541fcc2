import type { Counts } from './format.ts'

const REWRITE_EVERY_MS = 200
const LINE_EVERY_MS = 5_000

export interface Progress {
  /** So many more rows of a table are done. */
  add(table: string, rows: number): void
  /** Ends with one line of all that was done, and what more there is to say. */
  end(more?: string): void
}

/**
 * Shows on standard error how far it is: one line that is rewritten on a terminal, else a line every few seconds.
 * `done` is the word for it ("exported"); `share` says how much of the whole that is, where one knows.
 */
export function startProgress(done: string, share: () => number | undefined = () => undefined): Progress {
  const startedAt = performance.now()
  const counts: Counts = {}
  const { isTTY } = process.stderr
  let total = 0
  let shownAt = startedAt

  const pace = () => {
    const seconds = (performance.now() - startedAt) / 1000
    return `${format(total)} rows ${done} in ${seconds.toFixed(1)} s, ${format(total / Math.max(seconds, 0.001))} rows/s`
  }
  const write = (text: string) => process.stderr.write(isTTY ? `\r\u001b[K${text}` : text)

  return {
    add(table, rows) {
      counts[table] = (counts[table] ?? 0) + rows
      total += rows
      const now = performance.now()
      if (now - shownAt < (isTTY ? REWRITE_EVERY_MS : LINE_EVERY_MS)) return
      shownAt = now
      const part = share()
      write(`${pace()}${part === undefined ? '' : `, ${Math.floor(part * 100)} %`} (${table})${isTTY ? '' : '\n'}`)
    },
    end(more) {
      const each = Object.entries(counts).map(([table, rows]) => `${format(rows)} ${table}`)
      write(`${pace()}${each.length > 0 ? `: ${each.join(', ')}` : ''}${more ? `; ${more}` : ''}\n`)
    },
  }
}

const format = (count: number): string => Math.round(count).toLocaleString('en')
