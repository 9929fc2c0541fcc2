/** The time in a UUIDv7: its first 48 bits are the milliseconds since 1970. */

const GREATEST_MS = 2 ** 48 - 1

/** No id of this instant or a later one is lower. */
export function lowestIdAt(milliseconds: number): string {
  const hex = Math.min(Math.max(milliseconds, 0), GREATEST_MS).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

export const millisecondsOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
