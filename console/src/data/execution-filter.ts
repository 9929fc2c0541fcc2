/** What the address bar says of a list of executions, and what the API is asked for it. */
import type { ExecutionFilter, ExecutionStatus } from '../generated/graphql.ts'

export const STATUSES: readonly ExecutionStatus[] = ['SENT', 'SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED']

/** The last so much time, from when the list is loaded. */
export const RANGES = { '15m': 15, '1h': 60, '24h': 24 * 60, '7d': 7 * 24 * 60 } as const
export type Range = keyof typeof RANGES

export interface ListSearch {
  thing?: string[] | undefined
  action?: string[] | undefined
  status?: ExecutionStatus[] | undefined
  range?: Range | undefined
  /** Instants in ISO; where one is there, `range` counts for nothing. */
  from?: string | undefined
  to?: string | undefined
  /** Where the page begins or ends; neither: at the newest one, and it is live. */
  after?: string | undefined
  before?: string | undefined
}

const isStatus = (value: unknown): value is ExecutionStatus => STATUSES.some((status) => status === value)
const isRange = (value: unknown): value is Range => typeof value === 'string' && Object.hasOwn(RANGES, value)
export const asText = (value: unknown): string | undefined =>
  typeof value === 'number' || (typeof value === 'string' && value !== '') ? String(value) : undefined

/** Names as an address may have them: one, or several. */
export function asNames(value: unknown): string[] | undefined {
  const names = [value].flat().flatMap((one) => asText(one) ?? [])
  return names.length > 0 ? [...new Set(names)] : undefined
}

function asInstant(value: unknown): string | undefined {
  const text = asText(value)
  return text && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : undefined
}

/** Whatever somebody typed into the address bar: in the place of what makes no sense is undefined, or the router would keep it. */
export function readSearch(search: Record<string, unknown>): ListSearch {
  const status = asNames(search['status'])?.filter(isStatus)
  return {
    thing: asNames(search['thing']),
    action: asNames(search['action']),
    status: status && status.length > 0 ? status : undefined,
    range: isRange(search['range']) ? search['range'] : undefined,
    from: asInstant(search['from']),
    to: asInstant(search['to']),
    after: asText(search['after']),
    before: asText(search['before']),
  }
}

/** Without statuses: what gets another status must be heard of, too. */
export function filterOf({ thing, action, range, from, to }: ListSearch, nowMs: number): ExecutionFilter {
  const since = (from ?? to) ? from : range && new Date(nowMs - RANGES[range] * 60_000).toISOString()
  return {
    ...(thing && { thingId: thing }),
    ...(action && { action }),
    ...((since || to) && { createdAt: { ...(since && { from: since }), ...(to && { to }) } }),
  }
}

export const isFiltered = ({ thing, action, status, range, from, to }: ListSearch): boolean =>
  [thing, action, status, range, from, to].some((value) => value !== undefined)
