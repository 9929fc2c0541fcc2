/** A thing, and which ones a filter means. */
import { and, arrayOverlaps, inArray, type SQL, sql } from 'drizzle-orm'
import { byCode, thingPresence, things } from '../db/schema.ts'
import { isThingId } from '../protocol/topics.ts'
import type { Scope } from './access.ts'
import { type UserError, userError } from './errors.ts'
import { isLikeAny, storable } from './filter.ts'

export type Thing = typeof things.$inferSelect

/** Each list matches any of its members; members combine with AND. */
export interface ThingFilter {
  id?: readonly string[] | null | undefined
  /** Things whose ids begin with it; empty: all. */
  idPrefix?: string | null | undefined
  thingType?: readonly string[] | null | undefined
  tag?: readonly string[] | null | undefined
  /** Known to be online, or known not to be. */
  online?: boolean | null | undefined
  /** What the caller may see at all; absent: everything. */
  scope?: Scope | undefined
}

const CLIENT_ID = /^[\x21-\x7e]{1,128}$/

/** Whether a thing may have this clientId. */
export const isClientId = (clientId: string): boolean => CLIENT_ID.test(clientId)

export const thingNotFound = (id: string, field: string): UserError =>
  userError('THING_NOT_FOUND', [field], `No thing ${JSON.stringify(id.slice(0, 128))} is registered.`)

/** The filter for the database; `matchesThing` is the same for what is told live. */
export const thingCondition = ({ id, idPrefix, thingType, tag, online, scope }: ThingFilter): SQL | undefined =>
  and(
    scope?.things ? isLikeAny(things.id, scope.things) : undefined,
    scope?.thingTypes ? isLikeAny(things.thingType, scope.thingTypes) : undefined,
    id ? inArray(things.id, id.filter(isThingId)) : undefined,
    idPrefix ? beginsWith(idPrefix) : undefined,
    thingType ? inArray(things.thingType, thingType.filter(isThingId)) : undefined,
    tag ? hasAnyTag(storable(tag)) : undefined,
    online == null ? undefined : isKnownToBe(online),
  )

/** A range of the index of ids by their characters' codes: the primary key has the database's own order, in which they are scattered. */
function beginsWith(idPrefix: string): SQL | undefined {
  if (!isThingId(idPrefix)) return sql`false`
  const id = byCode(things.id)
  return and(sql`${id} >= ${idPrefix}`, sql`${id} < ${idPrefix + BEHIND_ALL}`)
}

/** Behind every character that an id may have. */
const BEHIND_ALL = '~'

const isKnownToBe = (online: boolean) => {
  const { thingId, online: known } = thingPresence
  return sql`exists (select from ${thingPresence} where ${thingId} = ${things.id} and ${known} = ${online})`
}

const hasAnyTag = (tags: string[]) => (tags.length > 0 ? arrayOverlaps(things.tags, tags) : sql`false`)
