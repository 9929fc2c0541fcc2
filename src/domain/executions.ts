import { and, asc, eq, gt, gte, inArray, or, type SQL } from 'drizzle-orm'
import type { Store } from '../db/connect.ts'
import { executions, ignoredResponses } from '../db/schema.ts'
import { type RunStatement, returning } from '../db/statement.ts'
import { type Caller, coversExecution } from './access.ts'
import type { Context } from './context.ts'
import { type Execution, type IgnoredResponse, MAX_EVIDENCE } from './execution.ts'
import { type ExecutionFilter, filterCondition, isUuid, sinceEpoch, storable } from './filter.ts'
import { createGroupCommit } from './group-commit.ts'
import type { Interest, State } from './live.ts'
import { NotAnswered, NotBegun } from './patience.ts'

/** The execution with this id, or undefined; what is no UUID names none. */
export type FindExecution = (id: string) => Promise<Execution | undefined>

const MAX_BATCH = 500

/**
 * Those that are asked for together are read together, after each of them was asked for: a caller who waits for the outcome
 * reads once at least, and with many of them one query each would cost more than all the rest.
 */
export function createExecutionReader(run: RunStatement): FindExecution {
  const read = createGroupCommit<string, Execution | undefined>({ items: MAX_BATCH }, async (ids) => {
    const rows = await run<Execution>(FIND, [JSON.stringify(ids)])
    const found = new Map(rows.map((row) => [row.id, row]))
    return ids.map((id) => found.get(id.toLowerCase()))
  })
  return async (id) => (isUuid(id) ? read(id).catch(failAsUnavailable) : undefined)
}

/** Each by itself (`limit`), in the partition of its time only, whatever the planner knows of the tables. */
const FIND = `
select ${returning(executions, 'execution')}
from json_array_elements_text($1::text::json) as given(id)
  cross join lateral (select * from executions where id = given.id::uuid limit 1) as execution`

function failAsUnavailable(error: unknown): never {
  throw error instanceof NotBegun ? new NotAnswered('the database did not answer a read in time') : error
}

/** What the caller may not see does not exist for it. */
export async function findVisible(
  { findExecution }: Pick<Context, 'findExecution'>,
  { authority }: Pick<Caller, 'authority'>,
  id: string,
): Promise<Execution | undefined> {
  const execution = await findExecution(id)
  return execution && coversExecution(authority, execution) ? execution : undefined
}

export async function findExecutions({ db }: Pick<Store, 'db'>, ids: string[]): Promise<Execution[]> {
  if (ids.length === 0) return []
  return db.select().from(executions).where(inArray(executions.id, ids))
}

/** How far a reader of changes has come: everything changed before `at`, and at `at` up to the id `afterId`. */
export interface ChangeCursor {
  at: Date
  afterId?: string
}

/** Executions that match and changed at or after the cursor, in the order of their last change. */
export async function listChanges(
  { db }: Pick<Store, 'db'>,
  filter: ExecutionFilter,
  { at, afterId }: ChangeCursor,
  limit: number,
): Promise<Execution[]> {
  const beyond: SQL | undefined = afterId
    ? or(gt(executions.updatedAt, at), and(eq(executions.updatedAt, at), gt(executions.id, afterId)))
    : undefined
  return db
    .select()
    .from(executions)
    .where(and(gte(executions.updatedAt, sinceEpoch(at)), beyond, filterCondition(filter)))
    .orderBy(asc(executions.updatedAt), asc(executions.id))
    .limit(limit)
}

export interface VersionRow extends State {
  /** When it was changed, in milliseconds since 1970. */
  changedAt: number
}

/**
 * Only the versions of executions that changed at or after the cursor, in the order of their last change: some of them, or
 * all. Raw SQL: of a busy service these are thousands of rows a second, and Drizzle's mapper and a Date for each were up to
 * a fifteenth of all that was done for a command.
 */
export function listVersions(
  { run }: Pick<Store, 'run'>,
  interest: Interest,
  { at, afterId = NIL_ID }: ChangeCursor,
  limit: number,
): Promise<VersionRow[]> {
  const names =
    interest && JSON.stringify({ ids: interest.executionIds.filter(isUuid), things: storable(interest.thingIds) })
  return run<VersionRow>(LIST_VERSIONS, [at.toISOString(), afterId, names ?? null, limit])
}

/** Less than any id. */
const NIL_ID = '00000000-0000-0000-0000-000000000000'

const LIST_VERSIONS = `
select id, thing_id as "thingId", round(date_part('epoch', updated_at) * 1000) as "changedAt",
  least(ignored_count, ${MAX_EVIDENCE}) + case when status = 'SENT' then 0 else 1 end as version
from executions
where updated_at >= $1::text::timestamptz and (updated_at > $1::text::timestamptz or id > $2::text::uuid)
  and ($3::text is null
    or id in (select json_array_elements_text($3::text::json -> 'ids')::uuid)
    or thing_id in (select json_array_elements_text($3::text::json -> 'things')))
order by updated_at, id limit $4::integer`

/** The evidence kept of each of these executions, oldest first. */
export async function findIgnoredResponses(
  { db }: Pick<Store, 'db'>,
  executionIds: readonly string[],
): Promise<IgnoredResponse[]> {
  return db
    .select()
    .from(ignoredResponses)
    .where(inArray(ignoredResponses.executionId, [...executionIds]))
    .orderBy(asc(ignoredResponses.id))
}
