import { and, asc, eq, gt, gte, inArray, or, type SQL } from 'drizzle-orm'
import { executions, ignoredResponses } from '../db/schema.ts'
import type { Context } from './context.ts'
import type { Execution, IgnoredResponse } from './execution.ts'
import { type ExecutionFilter, filterCondition, isUuid, sinceEpoch } from './filter.ts'

/** The execution with this id, or undefined; what is no UUID names none. */
export async function findExecution({ db }: Pick<Context, 'db'>, id: string): Promise<Execution | undefined> {
  if (!isUuid(id)) return undefined
  const [execution] = await db.select().from(executions).where(eq(executions.id, id))
  return execution
}

export async function findExecutions({ db }: Pick<Context, 'db'>, ids: string[]): Promise<Execution[]> {
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
  { db }: Pick<Context, 'db'>,
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

/** The evidence kept of each of these executions, oldest first. */
export async function findIgnoredResponses(
  { db }: Pick<Context, 'db'>,
  executionIds: readonly string[],
): Promise<IgnoredResponse[]> {
  return db
    .select()
    .from(ignoredResponses)
    .where(inArray(ignoredResponses.executionId, [...executionIds]))
    .orderBy(asc(ignoredResponses.id))
}
