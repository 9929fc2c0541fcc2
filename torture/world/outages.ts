/** When which part could not be used. */
import type { Outage, Part } from '../check/records.ts'

export interface Outages {
  begin(part: Part): void
  /** `at`: when it did; absent: now. */
  end(part: Part, at?: number): void
  /** Those that have ended, and those that have not, up to now. */
  list(): Outage[]
}

export function createOutages(): Outages {
  const ended: Outage[] = []
  const since = new Map<Part, number>()
  return {
    begin: (part) => void (since.has(part) || since.set(part, Date.now())),
    end(part, at = Date.now()) {
      const from = since.get(part)
      since.delete(part)
      if (from !== undefined) ended.push({ part, from, to: at })
    },
    list: () => [...ended, ...[...since].map(([part, from]) => ({ part, from, to: Date.now() }))],
  }
}
