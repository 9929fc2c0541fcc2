import { and, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import { executions } from '../db/schema.ts'
import { findJsonProblem } from '../protocol/json.ts'
import type { Execution, ExecutionStatus } from './execution.ts'

/** Each list matches any of its members; members combine with AND; absent or null matches everything, an empty list nothing. */
export interface ExecutionFilter {
  thingId?: string[] | null
  action?: string[] | null
  status?: ExecutionStatus[] | null
  commandId?: string[] | null
  /** From inclusive, to exclusive. */
  createdAt?: { from?: Date | null; to?: Date | null } | null
}

/** The filter for live events; `filterCondition` is the same for the database, and a property test holds them together. */
export function matchesFilter(execution: Execution, filter: ExecutionFilter): boolean {
  const { thingId, action, status, commandId, createdAt } = filter
  return (
    (thingId?.includes(execution.thingId) ?? true) &&
    (action?.includes(execution.action) ?? true) &&
    (status?.includes(execution.status) ?? true) &&
    (commandId?.some((id) => id.toLowerCase() === execution.commandId) ?? true) &&
    (!createdAt?.from || execution.createdAt >= createdAt.from) &&
    (!createdAt?.to || execution.createdAt < createdAt.to)
  )
}

export function filterCondition(filter: ExecutionFilter): SQL | undefined {
  const { thingId, action, status, commandId, createdAt } = filter
  return and(
    thingId ? inArray(executions.thingId, storable(thingId)) : undefined,
    action ? inArray(executions.action, storable(action)) : undefined,
    status ? inArray(executions.status, status) : undefined,
    // What is not a UUID names no command: it matches nothing, rather than failing in the database.
    commandId ? inArray(executions.commandId, commandId.filter(isUuid)) : undefined,
    createdAt?.from ? createdFrom(createdAt.from) : undefined,
    createdAt?.to ? createdBefore(createdAt.to) : undefined,
  )
}

// The id begins with the creation time, so the primary key bounds the scan. One millisecond of room on either side,
// because `created_at` is rounded and the id is cut.
const createdFrom = (from: Date) =>
  and(gte(executions.createdAt, sinceEpoch(from)), sql`${executions.id} >= ${lowestIdAt(from.getTime() - 1)}::uuid`)

const createdBefore = (to: Date) =>
  and(lt(executions.createdAt, sinceEpoch(to)), sql`${executions.id} < ${lowestIdAt(to.getTime() + 1)}::uuid`)

/** Postgres knows no year 0, and nothing here is older than 1970. */
export const sinceEpoch = (at: Date): Date => (at.getTime() < 0 ? new Date(0) : at)

const GREATEST_MS = 2 ** 48 - 1

function lowestIdAt(milliseconds: number): string {
  const hex = Math.min(Math.max(milliseconds, 0), GREATEST_MS).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

export const isUuid = (value: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value)

/** Without what Postgres would refuse (a NUL) or take for something else (a lone surrogate): it is stored nowhere. */
export const storable = (values: readonly string[]): string[] => values.filter((value) => !findJsonProblem(value))
