import { and, asc, desc, getTableColumns, getTableName, gt, gte, lt, type SQL, Subquery, sql } from 'drizzle-orm'
import { actionHash, executionStatus, executions, thingHash } from '../db/schema.ts'
import { lowestIdAt, millisecondsOf } from '../db/uuid.ts'
import type { Context } from './context.ts'
import type { Execution, ExecutionStatus } from './execution.ts'
import { type ExecutionFilter, filterCondition, isUuid, storable } from './filter.ts'
import type { Page } from './paging.ts'

/** So far a page looks at first, in the direction it goes: one or two partitions, however many there are. */
const FIRST_LOOK_MS = 31 * 86_400_000
/** More combinations of members than this are not looked up one by one. */
const MAX_KEYS = 600

/** Executions that match, newest first: their ids begin with the time of their creation. */
export async function listExecutions(
  ctx: Pick<Context, 'db'>,
  filter: ExecutionFilter,
  page: Page,
): Promise<Execution[]> {
  const rows: Execution[] = []
  for (const range of rangesOf(filter, page)) {
    if (rows.length < page.limit)
      rows.push(...(await listRange(ctx, filter, range, { ...page, limit: page.limit - rows.length })))
  }
  return rows
}

/**
 * The ids that the page can be of, near ones first. Planning alone costs something for each partition, so most pages are
 * found without asking those of long ago. Where the ranges part is of no consequence for what is found.
 */
function rangesOf({ createdAt }: ExecutionFilter, { after, before, inverted }: Page): SQL[] {
  const whole = and(after ? lt(executions.id, after) : undefined, before ? gt(executions.id, before) : undefined)
  const from = Math.max(before ? millisecondsOf(before) : 0, createdAt?.from?.getTime() ?? 0)
  const to = Math.min(after ? millisecondsOf(after) : Date.now(), createdAt?.to?.getTime() ?? Number.POSITIVE_INFINITY)
  const parting = inverted ? from + FIRST_LOOK_MS : to - FIRST_LOOK_MS
  // Where the oldest one is, nobody knows.
  if (parting <= from || parting >= to || (inverted && from === 0)) return [whole ?? sql`true`]
  const id = lowestIdAt(parting)
  const halves = [gte(executions.id, id), lt(executions.id, id)].map((half) => sql`${and(whole, half)}`)
  return inverted ? halves.reverse() : halves
}

async function listRange({ db }: Pick<Context, 'db'>, filter: ExecutionFilter, range: SQL, { limit, inverted }: Page) {
  const columns = getTableColumns(executions)
  const order = inverted ? asc(executions.id) : desc(executions.id)
  const first = (condition: SQL | undefined) =>
    sql`select * from executions where ${and(condition, range)} order by ${order} limit ${limit}`
  return db
    .select(columns)
    .from(new Subquery(candidates(filter, first), columns, getTableName(executions)))
    .orderBy(order)
    .limit(limit)
}

/** Builds the query of the first rows that match a condition. */
type First = (condition: SQL | undefined) => SQL

/** One member of each list that is looked up in an index. */
type Key = Pick<Execution, 'thingId' | 'action' | 'status'>

/**
 * The first rows of each combination of members; those of the page are among them. In the indexes the rows of one
 * combination are in the order of the pages: as many are read as are wanted, however many match, and however few.
 */
function candidates(filter: ExecutionFilter, first: First): SQL {
  if (filter.commandId) return ofCommands(filter, filter.commandId.filter(isUuid), first)
  if (filter.thingId || filter.action) return ofKeys(filter, first)
  const statuses = [...new Set(filter.status)]
  if (statuses.length < 2) return first(filterCondition(filter))
  // Written out, because the planner must know which status it is: each has an index, and not the same one.
  const queries = statuses.map((status) => sql`(${first(filterCondition({ ...filter, status: [status] }))})`)
  return sql.join(queries, sql` union all `)
}

/** A command with one execution goes by the id of that; the others are in an index of their own. */
function ofCommands(filter: ExecutionFilter, commandIds: string[], first: First): SQL {
  const rest = filterCondition({ ...filter, commandId: null })
  const { id, commandId } = executions
  const own = first(and(sql`${id} = wanted.id and ${commandId} = ${id}`, rest))
  const shared = first(and(sql`${commandId} = wanted.id and ${commandId} <> ${id}`, rest))
  return forEach(
    [...new Set(commandIds.map((id) => id.toLowerCase()))].map((id) => ({ id })),
    sql`id uuid`,
    sql`(${own}) union all (${shared})`,
  )
}

function ofKeys(filter: ExecutionFilter, first: First): SQL {
  const { keys, rest } = combine(filter)
  const [key] = keys
  if (!key) return first(sql`false`)
  if (keys.length === 1) return first(filterCondition(filter))
  const { thingId, action, status } = executions
  const wanted = first(
    and(
      key.thingId !== undefined
        ? sql`${thingHash(thingId)} = ${thingHash(sql`wanted."thingId"`)} and ${thingId} = wanted."thingId"`
        : undefined,
      key.action !== undefined
        ? sql`${actionHash(action)} = ${actionHash(sql`wanted.action`)} and ${action} = wanted.action`
        : undefined,
      key.status !== undefined ? sql`${status} = wanted.status` : undefined,
      filterCondition(rest),
    ),
  )
  return forEach(keys, sql`"thingId" text, action text, status execution_status`, wanted)
}

/** Every combination of members, and what of the filter is not in them: lists that would make too many. */
function combine(filter: ExecutionFilter): { keys: Partial<Key>[]; rest: ExecutionFilter } {
  // In the index of actions the status is in front of the id.
  const status: ExecutionStatus[] | null | undefined =
    filter.status ?? (filter.thingId ? null : executionStatus.enumValues)
  const lists = Object.entries({ thingId: filter.thingId, action: filter.action, status })
  let keys: Partial<Key>[] = [{}]
  let rest = filter
  for (const [member, list] of lists) {
    const values = list && [...new Set(storable(list))]
    if (!values || (keys.length > 1 && keys.length * values.length > MAX_KEYS)) continue
    keys = keys.flatMap((key) => values.map((value) => ({ ...key, [member]: value })))
    rest = { ...rest, [member]: null }
  }
  return { keys, rest }
}

const forEach = (wanted: object[], columns: SQL, query: SQL): SQL => sql`
  select page.* from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as wanted(${columns}) cross join lateral (${query}) as page`
