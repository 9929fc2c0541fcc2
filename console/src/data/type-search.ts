/** What the address bar says of the list of types. */
export interface TypeSearch {
  /** Searched for in names, descriptions and commands. */
  q?: string | undefined
  after?: string | undefined
  before?: string | undefined
}

/** `before` of the last page. */
export const LAST = 'end'

const asText = (value: unknown): string | undefined =>
  typeof value === 'number' || (typeof value === 'string' && value !== '') ? String(value) : undefined

export function readTypeSearch(search: Record<string, unknown>): TypeSearch {
  const found = { q: asText(search['q']), after: asText(search['after']), before: asText(search['before']) }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}
