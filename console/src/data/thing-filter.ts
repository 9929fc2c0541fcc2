/** What the address bar says of a list of things, and what the API is asked for it. */
import type { ThingFilter } from '../generated/graphql.ts'
import { asNames, asText } from './execution-filter.ts'

export interface ThingSearch {
  /** What their ids begin with. */
  prefix?: string | undefined
  type?: string[] | undefined
  tag?: string[] | undefined
  online?: 'yes' | 'no' | undefined
  /** Where the page begins or ends; neither: at the first thing. */
  after?: string | undefined
  before?: string | undefined
}

const asOnline = (value: unknown): ThingSearch['online'] => (value === 'yes' || value === 'no' ? value : undefined)

/** Whatever somebody typed into the address bar: what makes no sense is left out. */
export function readThingSearch(search: Record<string, unknown>): ThingSearch {
  const found: ThingSearch = {
    prefix: asText(search['prefix']),
    type: asNames(search['type']),
    tag: asNames(search['tag']),
    online: asOnline(search['online']),
    after: asText(search['after']),
    before: asText(search['before']),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

export const thingFilterOf = ({ prefix, type, tag, online }: ThingSearch): ThingFilter => ({
  ...(prefix && { idPrefix: prefix }),
  ...(type && { thingType: type }),
  ...(tag && { tag }),
  ...(online && { online: online === 'yes' }),
})

export const isThingFiltered = (search: ThingSearch): boolean => Object.keys(thingFilterOf(search)).length > 0
