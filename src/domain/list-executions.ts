import {
  and,
  asc,
  desc,
  getTableColumns,
  getTableName,
  gt,
  gte,
  inArray,
  lt,
  type SQL,
  type SQLWrapper,
  Subquery,
  sql,
} from 'drizzle-orm'
import { actionHash, executionStatus, executions, outcomeHash, thingHash } from '../db/schema.ts'
import { lowestIdAt, millisecondsOf } from '../db/uuid.ts'
import type { Context } from './context.ts'
import type { Execution, ExecutionStatus } from './execution.ts'
import { type ExecutionFilter, filterCondition, isUuid, storable } from './filter.ts'
import type { Page } from './paging.ts'

/** So far a page looks at first, in the direction it goes: a few partitions, however many there are. */
const FIRST_LOOK_MS = 31 * 86_400_000
/** More combinations of members than this are not looked up one by one. */
const MAX_KEYS = 600

/** Executions that match, newest first: their ids begin with the time of their creation. */
export async function listExecutions(
  { db }: Pick<Context, 'db'>,
  filter: ExecutionFilter,
  page: Page,
): Promise<Execution[]> {
  const columns = getTableColumns(executions)
  const direction = page.inverted ? asc : desc
  const rows: Execution[] = []
  for (const range of rangesOf(filter, page)) {
    const limit = page.limit - rows.length
    if (limit <= 0) break
    const found = new Subquery(candidates(filter, { range, limit, direction }), columns, getTableName(executions))
    rows.push(...(await db.select(columns).from(found).orderBy(direction(executions.id)).limit(limit)))
  }
  return rows
}

/** The ids that rows are looked for among, how many rows from which end, and what of them: absent, all. */
interface Look {
  range: SQL | undefined
  limit: number
  direction: typeof asc
  columns?: SQL
}

/**
 * The ids that the page can be of, near ones first. Planning alone costs something for each partition, so most pages are
 * found without asking those of long ago. Where the ranges part is of no consequence for what is found.
 */
function rangesOf({ createdAt }: ExecutionFilter, { after, before, inverted }: Page): (SQL | undefined)[] {
  const { id } = executions
  const whole = and(after ? lt(id, after) : undefined, before ? gt(id, before) : undefined)
  const from = Math.max(before ? millisecondsOf(before) : 0, createdAt?.from?.getTime() ?? 0)
  const to = Math.min(after ? millisecondsOf(after) : Date.now(), createdAt?.to?.getTime() ?? Number.POSITIVE_INFINITY)
  const parting = inverted ? from + FIRST_LOOK_MS : to - FIRST_LOOK_MS
  // Where the oldest one is, nobody knows.
  if (parting <= from || parting >= to || (inverted && from === 0)) return [whole]
  const newer = and(whole, gte(id, lowestIdAt(parting)))
  const older = and(whole, lt(id, lowestIdAt(parting)))
  return inverted ? [older, newer] : [newer, older]
}

/**
 * The first rows of each combination of members; those of the page are among them. In the indexes the rows of one
 * combination are in the order of the pages: as many are read as are wanted, however many match, and however few.
 */
export function candidates(filter: ExecutionFilter, look: Look): SQL {
  const { thingId, action, status, commandId } = filter
  if (commandId) return ofCommands({ ...filter, commandId: null }, commandId.filter(isUuid), look)
  if (thingId) return ofThings(filter, look)
  if (action) return ofActions({ ...filter, status: status ?? executionStatus.enumValues }, look)
  if (!status) return first(sql`executions`, BY_ID, filterCondition(filter), look)
  const queries = [...new Set(status)].map((one) => sql`(${ofStatus({ ...filter, status: null }, one, look)})`)
  return queries.length > 0 ? sql.join(queries, sql` union all `) : nothing(look)
}

/** What an index is led by, and what is wanted there. */
interface Leading {
  column: SQL
  wanted: SQL
}

/**
 * Of one table, the first rows that an index has of one combination, in the order of that index. The one that is wanted is
 * put as a list: with an equality the planner may take the order from the primary key, and go through all rows for a
 * combination that is rarer than it believes.
 */
function seek(table: SQL, { column, wanted }: Leading, condition: SQL | undefined, look: Look): SQL {
  return first(table, [column, sql`${executions.id}`], and(sql`${column} = any (array[${wanted}])`, condition), look)
}

function first(table: SQL, order: SQL[], condition: SQL | undefined, look: Look): SQL {
  const { range, limit, direction } = look
  const where = and(range, condition) ?? sql`true`
  return sql`select ${columnsOf(look)} from ${table} as executions where ${where} order by ${sql.join(order.map(direction), sql`, `)} limit ${limit}`
}

const BY_ID = [sql`${executions.id}`]

/**
 * Whether it is the name itself, and not another with the same hash. Put so that the planner makes no guess of it: it would
 * take that for a second condition, and prefer to read all rows of a thing and to sort them.
 */
const isSame = (name: SQLWrapper, wanted: SQL): SQL => sql`case when ${name} = ${wanted} then true else false end`

const columnsOf = ({ columns }: Look): SQL => columns ?? sql`*`

const nothing = (look: Look): SQL => sql`select ${columnsOf(look)} from executions where false`

/** A command with one execution goes by the id of that; the others are in an index of their own. */
function ofCommands(rest: ExecutionFilter, commandIds: string[], look: Look): SQL {
  const { id, commandId } = executions
  const { createdAt, ...members } = rest
  // Hidden from the planner, who would look for the few of them in another index, where they are not few.
  const condition = and(
    filterCondition({ createdAt }),
    sql`case when ${filterCondition(members) ?? sql`true`} then true else false end`,
  )
  const own = and(inArray(id, commandIds), sql`${commandId} = ${id}`, look.range, condition)
  const leading = { column: sql`${commandId}`, wanted: sql`wanted.id` }
  const shared = seek(sql`executions`, leading, and(sql`${commandId} <> ${id}`, condition), look)
  const wanted = [...new Set(commandIds.map((one) => one.toLowerCase()))].map((one) => ({ id: one }))
  return sql`(select ${columnsOf(look)} from executions where ${own}) union all (${forEach(wanted, sql`id uuid`, shared)})`
}

function ofThings(filter: ExecutionFilter, look: Look): SQL {
  const { keys, rest } = combine(filter)
  const { thingId, action, status } = executions
  const has = (member: keyof Key) => keys[0]?.[member] !== undefined
  const condition = and(
    isSame(thingId, sql`wanted."thingId"`),
    has('action') ? sql`${actionHash(action)} = ${actionHash(sql`wanted.action`)}` : undefined,
    has('action') ? isSame(action, sql`wanted.action`) : undefined,
    has('status') ? sql`${status} = wanted.status` : undefined,
    filterCondition(rest),
  )
  const leading = { column: thingHash(thingId), wanted: thingHash(sql`wanted."thingId"`) }
  return forEach(keys, KEY, seek(sql`executions`, leading, condition, look))
}

function ofActions(filter: ExecutionFilter, look: Look): SQL {
  const { keys, rest } = combine(filter)
  const { action, status } = executions
  const condition = and(isSame(action, sql`wanted.action`), isSame(status, sql`wanted.status`), filterCondition(rest))
  const leading = { column: outcomeHash(action, status), wanted: outcomeHash(sql`wanted.action`, sql`wanted.status`) }
  return forEach(keys, KEY, seek(sql`executions`, leading, condition, look))
}

/** Those of each status are in an index of their own. */
function ofStatus(rest: ExecutionFilter, status: ExecutionStatus, look: Look): SQL {
  const condition = filterCondition(rest)
  const settled = sql`executions_settled`
  if (status === 'SENT') return first(sql`executions_open`, BY_ID, condition, look)
  if (status === 'SUCCEEDED')
    return first(settled, BY_ID, and(sql`${executions.status} = 'SUCCEEDED'`, condition), look)
  const leading = { column: sql`${executions.status}`, wanted: sql`${status}::execution_status` }
  return seek(settled, leading, and(sql`${executions.status} <> 'SUCCEEDED'`, condition), look)
}

/** One member of each list that is looked up in an index. */
type Key = Partial<Pick<Execution, 'thingId' | 'action' | 'status'>>
const KEY = sql`"thingId" text, action text, status execution_status`

/** Every combination of members, and what of the filter is not in them: lists that would make too many. */
function combine(filter: ExecutionFilter): { keys: Key[]; rest: ExecutionFilter } {
  const lists = Object.entries({ thingId: filter.thingId, action: filter.action, status: filter.status })
  let keys: Key[] = [{}]
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
