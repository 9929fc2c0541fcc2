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
import { actionHash, executionStatus, executions, thingHash } from '../db/schema.ts'
import { HIGHEST_ID, lowestIdAt, millisecondsOf } from '../db/uuid.ts'
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
    const found = new Subquery(candidates(filter, { ...range, limit, direction }), columns, getTableName(executions))
    rows.push(...(await db.select(columns).from(found).orderBy(direction(executions.id)).limit(limit)))
  }
  return rows
}

/** The ids that rows are looked for among, and how many rows from which end. */
interface Look {
  condition: SQL | undefined
  lowest: string
  highest: string
  limit: number
  direction: typeof asc
}

/**
 * The ids that the page can be of, near ones first. Planning alone costs something for each partition, so most pages are
 * found without asking those of long ago. Where the ranges part is of no consequence for what is found.
 */
function rangesOf({ createdAt }: ExecutionFilter, { after, before, inverted }: Page) {
  const { id } = executions
  const condition = and(after ? lt(id, after) : undefined, before ? gt(id, before) : undefined)
  const whole = { condition, lowest: before ?? lowestIdAt(0), highest: after ?? HIGHEST_ID }
  const from = Math.max(before ? millisecondsOf(before) : 0, createdAt?.from?.getTime() ?? 0)
  const to = Math.min(after ? millisecondsOf(after) : Date.now(), createdAt?.to?.getTime() ?? Number.POSITIVE_INFINITY)
  const parting = inverted ? from + FIRST_LOOK_MS : to - FIRST_LOOK_MS
  // Where the oldest one is, nobody knows.
  if (parting <= from || parting >= to || (inverted && from === 0)) return [whole]
  const between = lowestIdAt(parting)
  const newer = { ...whole, condition: and(condition, gte(id, between)), lowest: between }
  const older = { ...whole, condition: and(condition, lt(id, between)), highest: between }
  return inverted ? [older, newer] : [newer, older]
}

/**
 * The first rows of each combination of members; those of the page are among them. In the indexes the rows of one
 * combination are in the order of the pages: as many are read as are wanted, however many match, and however few.
 */
function candidates(filter: ExecutionFilter, look: Look): SQL {
  const { thingId, action, status, commandId } = filter
  if (commandId) return ofCommands({ ...filter, commandId: null }, commandId.filter(isUuid), look)
  if (thingId) return ofThings(filter, look)
  if (action) return ofActions({ ...filter, status: status ?? executionStatus.enumValues }, look)
  if (!status) return seek(sql`executions`, [], filterCondition(filter), look)
  const queries = [...new Set(status)].map((one) => sql`(${ofStatus({ ...filter, status: null }, one, look)})`)
  return queries.length > 0 ? sql.join(queries, sql` union all `) : nothing
}

/** A pair of what an index is led by, and what is wanted there. */
type Leading = [column: SQL, wanted: SQL]

/**
 * Of one table, the first rows that an index has of one combination. Written as a range of what the index holds, ordered by
 * all of that: with an equality the planner may take the order from the primary key, and go through all rows for a
 * combination that is rarer than it believes.
 */
function seek(table: SQL, leading: Leading[], condition: SQL | undefined, look: Look): SQL {
  const held = [...leading.map(([column]) => column), sql`${executions.id}`]
  const at = (id: string) => sql.join([...leading.map(([, wanted]) => wanted), sql`${id}::uuid`], sql`, `)
  const row = sql.join(held, sql`, `)
  const within =
    leading.length > 0 ? sql`(${row}) >= (${at(look.lowest)}) and (${row}) <= (${at(look.highest)})` : undefined
  const order = sql.join(held.map(look.direction), sql`, `)
  return sql`select * from ${table} as executions where ${and(within, look.condition, condition) ?? sql`true`} order by ${order} limit ${look.limit}`
}

/**
 * Whether it is the name itself, and not another with the same hash. Put so that the planner makes no guess of it: it would
 * take that for a second condition, and prefer to read all rows of a thing and to sort them.
 */
const isSame = (name: SQLWrapper, wanted: SQL): SQL => sql`case when ${name} = ${wanted} then true else false end`

const nothing = sql`select * from executions where false`

/** A command with one execution goes by the id of that; the others are in an index of their own. */
function ofCommands(rest: ExecutionFilter, commandIds: string[], look: Look): SQL {
  const { id, commandId } = executions
  const { createdAt, ...members } = rest
  // Hidden from the planner, who would look for the few of them in another index, where they are not few.
  const condition = and(
    filterCondition({ createdAt }),
    sql`case when ${filterCondition(members) ?? sql`true`} then true else false end`,
  )
  const own = and(inArray(id, commandIds), sql`${commandId} = ${id}`, look.condition, condition)
  const leading: Leading = [sql`${commandId}`, sql`wanted.id`]
  const shared = seek(sql`executions`, [leading], and(sql`${commandId} <> ${id}`, condition), look)
  const wanted = [...new Set(commandIds.map((one) => one.toLowerCase()))].map((one) => ({ id: one }))
  return sql`(select * from executions where ${own}) union all (${forEach(wanted, sql`id uuid`, shared)})`
}

function ofThings(filter: ExecutionFilter, look: Look): SQL {
  const { keys, rest } = combine(filter)
  const { thingId, action, status } = executions
  const has = (member: keyof Key) => keys[0]?.[member] !== undefined
  const condition = and(
    isSame(thingId, sql`wanted."thingId"`),
    has('action')
      ? and(sql`${actionHash(action)} = ${actionHash(sql`wanted.action`)}`, isSame(action, sql`wanted.action`))
      : undefined,
    has('status') ? sql`${status} = wanted.status` : undefined,
    filterCondition(rest),
  )
  return forEach(
    keys,
    KEY,
    seek(sql`executions`, [[thingHash(thingId), thingHash(sql`wanted."thingId"`)]], condition, look),
  )
}

function ofActions(filter: ExecutionFilter, look: Look): SQL {
  const { keys, rest } = combine(filter)
  const { action, status } = executions
  const leading: Leading[] = [
    [actionHash(action), actionHash(sql`wanted.action`)],
    [sql`${status}`, sql`wanted.status`],
  ]
  return forEach(
    keys,
    KEY,
    seek(sql`executions`, leading, and(isSame(action, sql`wanted.action`), filterCondition(rest)), look),
  )
}

/** Those of each status are in an index of their own. */
function ofStatus(rest: ExecutionFilter, status: ExecutionStatus, look: Look): SQL {
  const condition = filterCondition(rest)
  if (status === 'SENT') return seek(sql`executions_open`, [], condition, look)
  const settled = sql`executions_settled`
  if (status === 'SUCCEEDED') return seek(settled, [], and(sql`${executions.status} = 'SUCCEEDED'`, condition), look)
  const leading: Leading = [sql`${executions.status}`, sql`${status}::execution_status`]
  return seek(settled, [leading], and(sql`${executions.status} <> 'SUCCEEDED'`, condition), look)
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
