/** Who may do what. Pure: no I/O. */

import { createBoundedMap } from '../base/bounded-map.ts'
import { ROLES } from '../db/schema.ts'
import { Forbidden } from './errors.ts'

export { ROLES }
export type Role = (typeof ROLES)[number]

/** read: see; send: send and cancel; manage: things, types and, where it is not narrowed, keys and the audit. */
export type Permission = 'read' | 'send' | 'manage'

const PERMISSIONS: Record<Role, readonly Permission[]> = {
  viewer: ['read'],
  operator: ['read', 'send'],
  admin: ['read', 'send', 'manage'],
}

const ROLE_FOR: Record<Permission, Role> = { read: 'viewer', send: 'operator', manage: 'admin' }

/**
 * What a role is narrowed to: patterns, of which a name must match one; null: all. What does not match does not exist for
 * the caller: it is neither seen nor done, whatever the role.
 */
export interface Scope {
  things: readonly string[] | null
  thingTypes: readonly string[] | null
  actions: readonly string[] | null
}

/** A role and its scope. The same for equal ones, so that what was made for one caller serves all that may do the same. */
export interface Authority extends Scope {
  role: Role
}

/** Who asks. */
export interface Caller {
  /** "ak_…" for a key, "user:" and the subject for a token; null: anonymous. It is `requestedBy`. */
  name: string | null
  /** The address that it came from; null: none, as on the command line. */
  address: string | null
  authority: Authority
  /** When its token ends. */
  endsAt?: Date | undefined
  /** Of its request, for the log and the audit. */
  requestId?: string | undefined
}

export const UNLIMITED: Scope = { things: null, thingTypes: null, actions: null }

const MAX_KNOWN = 1_000
const known = createBoundedMap<string, Authority>(MAX_KNOWN)

export function authorityOf(role: Role, { things, thingTypes, actions }: Scope): Authority {
  const authority = { role, things, thingTypes, actions }
  const key = JSON.stringify(authority)
  const same = known.get(key)
  if (same) return same
  known.set(key, authority)
  return authority
}

export const EVERYTHING: Authority = authorityOf('admin', UNLIMITED)

export const may = ({ role }: Authority, permission: Permission): boolean => PERMISSIONS[role].includes(permission)

export const isNarrowed = ({ things, thingTypes, actions }: Scope): boolean =>
  things !== null || thingTypes !== null || actions !== null

/** What somebody is told who may not do a thing at all. */
export const notAllowed = ({ authority }: Pick<Caller, 'authority'>, what: string): Forbidden =>
  new Forbidden(
    `${what}: the role ${authority.role} may not do this${isNarrowed(authority) ? ', as it is narrowed' : ''}`,
  )

/** Throws Forbidden, which says what would be needed. */
export function demand({ authority }: Pick<Caller, 'authority'>, permission: Permission): void {
  if (!may(authority, permission))
    throw new Forbidden(`this needs the role ${ROLE_FOR[permission]}, and yours is ${authority.role}`)
}

/** For what concerns all of the fleet: keys and the audit. */
export function demandAll(caller: Pick<Caller, 'authority'>): void {
  demand(caller, 'manage')
  if (isNarrowed(caller.authority))
    throw new Forbidden('this needs an admin that is not narrowed to things, types or actions')
}

/** Before anything is looked up, so that it tells nothing of what is there. */
export function demandSend(caller: Pick<Caller, 'authority'>, thingId: string, action: string): void {
  demand(caller, 'send')
  const { things, actions } = caller.authority
  if (!matchesAny(things, thingId)) throw new Forbidden(`you may send to things that match ${quote(things)}`)
  if (!matchesAny(actions, action)) throw new Forbidden(`you may send actions that match ${quote(actions)}`)
}

/** A thing is registered, changed or removed: it, and the types it had and gets, must be within the scope. */
export function demandManage(caller: Pick<Caller, 'authority'>, thingId: string): void {
  demand(caller, 'manage')
  const { things } = caller.authority
  if (!matchesAny(things, thingId)) throw new Forbidden(`you may manage things that match ${quote(things)}`)
}

/** A type is of all its things: whoever is narrowed to some things or actions may not change it. */
export function demandManageType(caller: Pick<Caller, 'authority'>, name: string): void {
  demand(caller, 'manage')
  const { things, thingTypes, actions } = caller.authority
  if (things || actions) throw new Forbidden('a Thing Type needs an admin that is not narrowed to things or actions')
  if (!matchesAny(thingTypes, name)) throw new Forbidden(`you may manage Thing Types that match ${quote(thingTypes)}`)
}

export const coversThing = (scope: Scope, { id, thingType }: { id: string; thingType: string | null }): boolean =>
  matchesAny(scope.things, id) && coversType(scope, thingType)

/** null: no type, which only a scope without patterns of types covers. */
export const coversType = ({ thingTypes }: Scope, thingType: string | null): boolean =>
  thingTypes === null || (thingType !== null && matchesAny(thingTypes, thingType))

/** By the type that the thing had when it was sent. */
export const coversExecution = (
  scope: Scope,
  { thingId, thingType, action }: { thingId: string; thingType: string | null; action: string },
): boolean => coversThing(scope, { id: thingId, thingType }) && matchesAny(scope.actions, action)

export const matchesAny = (patterns: readonly string[] | null, name: string): boolean =>
  patterns === null || patterns.some((pattern) => matches(pattern, name))

/** "*" stands for any characters, once at most: to match costs the same whatever is in the pattern. */
function matches(pattern: string, name: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return name === pattern
  const rest = pattern.length - star - 1
  return name.length >= star + rest && name.startsWith(pattern.slice(0, star)) && name.endsWith(pattern.slice(star + 1))
}

const MAX_PATTERN = 128

export const isPattern = (text: string): boolean =>
  text.length >= 1 && text.length <= MAX_PATTERN && text.indexOf('*') === text.lastIndexOf('*')

export const PATTERN_FORMAT = `1 to ${MAX_PATTERN} characters with at most one *, which stands for any characters`

const quote = (patterns: readonly string[] | null): string => (patterns ?? []).join(', ')
