/** The service's clock, as its answers tell it: countdowns must not depend on how this machine's is set. */

/** A `Date` header is cut to the second: less than this is no difference. */
const TOLERANCE_MS = 2_000

let offsetMs = 0
let toldAt: number | undefined

export function noteServerDate(header: string | null): void {
  const at = header ? Date.parse(header) : Number.NaN
  if (Number.isNaN(at)) return
  toldAt = at
  const difference = at - Date.now()
  offsetMs = Math.abs(difference) > TOLERANCE_MS ? difference : 0
}

export const serverNow = (): number => Date.now() + offsetMs

/** The service's clock and the database's may differ by so much, and a change becomes visible a moment after its time. */
const MARGIN_MS = 10_000

/** What changed since this instant may not be in what was just read. */
export const justBefore = (): string => new Date((toldAt ?? serverNow()) - MARGIN_MS).toISOString()
