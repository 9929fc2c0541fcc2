import { and, gte, inArray, lt, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { executions, thingHash } from '../db/schema.ts'
import { lowestIdAt } from '../db/uuid.ts'
import { findJsonProblem } from '../protocol/json.ts'
import { coversExecution, type Scope } from './access.ts'
import type { Execution, ExecutionStatus } from './execution.ts'

/** Each list matches any of its members; members combine with AND; absent or null matches everything, an empty list nothing. */
export interface ExecutionFilter {
  thingId?: string[] | null
  action?: string[] | null
  status?: ExecutionStatus[] | null
  commandId?: string[] | null
  /** From inclusive, to exclusive. */
  createdAt?: { from?: Date | null; to?: Date | null } | null
  /** What the caller may see at all; absent: everything. */
  scope?: Scope | undefined
}

/** The filter for live events; `filterCondition` is the same for the database, and a property test holds them together. */
export function matchesFilter(execution: Execution, filter: ExecutionFilter): boolean {
  const { thingId, action, status, commandId, createdAt, scope } = filter
  return (
    (!scope || coversExecution(scope, execution)) &&
    (thingId?.includes(execution.thingId) ?? true) &&
    (action?.includes(execution.action) ?? true) &&
    (status?.includes(execution.status) ?? true) &&
    (commandId?.some((id) => id.toLowerCase() === execution.commandId) ?? true) &&
    (!createdAt?.from || execution.createdAt >= createdAt.from) &&
    (!createdAt?.to || execution.createdAt < createdAt.to)
  )
}

export function filterCondition(filter: ExecutionFilter): SQL | undefined {
  const { thingId, action, status, commandId, createdAt, scope } = filter
  return and(
    scope && scopeCondition(scope, executions),
    thingId ? isOneOfThings(storable(thingId)) : undefined,
    action ? inArray(executions.action, storable(action)) : undefined,
    status ? inArray(executions.status, status) : undefined,
    // What is not a UUID names no command: it matches nothing, rather than failing in the database.
    commandId ? inArray(executions.commandId, commandId.filter(isUuid)) : undefined,
    createdAt?.from ? createdFrom(createdAt.from) : undefined,
    createdAt?.to ? createdBefore(createdAt.to) : undefined,
  )
}

/**
 * What `coversExecution` says, for the database. Put so that the planner makes no guess of it: rows are read in the order of
 * the page, and those that are not covered are left out.
 */
function scopeCondition({ things, thingTypes, actions }: Scope, row: typeof executions): SQL | undefined {
  const covered = and(
    things ? isLikeAny(row.thingId, things) : undefined,
    thingTypes ? isLikeAny(row.thingType, thingTypes) : undefined,
    actions ? isLikeAny(row.action, actions) : undefined,
  )
  return covered && sql`case when ${covered} then true else false end`
}

/** The patterns of domain/access.ts, as LIKE has them. */
export const isLikeAny = (column: SQLWrapper, patterns: readonly string[]): SQL =>
  sql`${column} like any (array[${sql.join(
    storable(patterns).map((pattern) => sql`${likeOf(pattern)}::text`),
    sql`, `,
  )}]::text[])`

const likeOf = (pattern: string): string => pattern.replace(/[\\%_]/g, '\\$&').replace('*', '%')

/** By the hash, which is what the index holds, and by the name itself. */
function isOneOfThings(names: string[]): SQL | undefined {
  const hashes = names.map((name) => thingHash(sql`${name}::text`))
  return and(inArray(thingHash(executions.thingId), hashes), inArray(executions.thingId, names))
}

// The id begins with the creation time, so the primary key bounds the scan. One millisecond of room on either side,
// because `created_at` is rounded and the id is cut.
const createdFrom = (from: Date) =>
  and(gte(executions.createdAt, sinceEpoch(from)), sql`${executions.id} >= ${lowestIdAt(from.getTime() - 1)}::uuid`)

const createdBefore = (to: Date) =>
  and(lt(executions.createdAt, sinceEpoch(to)), sql`${executions.id} < ${lowestIdAt(to.getTime() + 1)}::uuid`)

/** Postgres knows no year 0, and nothing here is older than 1970. */
export const sinceEpoch = (at: Date): Date => (at.getTime() < 0 ? new Date(0) : at)

export const isUuid = (value: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value)

/** Without what Postgres would refuse (a NUL) or take for something else (a lone surrogate): it is stored nowhere. */
export const storable = (values: readonly string[]): string[] => values.filter((value) => !findJsonProblem(value))
