/**
 * Settled executions and the responses ignored of them are in partitions by time of the execution's id, in the same ranges.
 * One follows the other without a gap. They are created ahead, and dropped whole. Each is named after the day of its end.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { Database } from './connect.ts'
import { forgetStatsBelow } from './execution-stats.ts'

export type PartitionWidth = 'week' | 'month'

/** Partitions reach at least this far ahead, so that a service that cannot create one still has time to tell. */
const AHEAD_DAYS = 14
/** The advisory lock under which partitions are created and dropped. */
const PARTITION_LOCK = 4_262_002
/** Whoever settles or reads queues behind us while we wait for a lock: not longer than this. */
const LOCK_WAIT_MS = 100

const PARTITIONED = [
  { parent: 'executions_settled', prefix: 'executions_until_' },
  { parent: 'ignored_responses', prefix: 'ignored_responses_until_' },
] as const

export interface Partition {
  /** Its last day's end, as in the names of its tables: 20261207. */
  end: string
  /** No id in it is as high as this one. */
  below: string
}

/** Creates what is missing ahead. Replicas that do so at once wait for each other. Returns the ends of what was created. */
export async function createPartitionsAhead(db: Database, width: PartitionWidth): Promise<string[]> {
  // Looked up before it is locked: there is hardly ever anything to do.
  if (!(await nextPartition(db, width))) return []
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${PARTITION_LOCK})`)
    const created: string[] = []
    for (let next = await nextPartition(tx, width); next; next = await nextPartition(tx, width)) {
      await createPartition(tx, next)
      created.push(next.end)
    }
    return created
  })
}

interface NextPartition extends Partition {
  from: string
}

/**
 * What comes after the last partition; undefined where that reaches far enough. After a long pause of the service one
 * partition spans all of it: nothing was created then.
 */
async function nextPartition(db: Pick<Database, 'select'>, width: PartitionWidth): Promise<NextPartition | undefined> {
  const last = sql`(select max(upper_bound::text)::uuid from (${bounds}) as bounds)`
  const lastEnd = timeOf(sql`last`)
  const end = sql`date_trunc(${width}, greatest(last_end, now()), 'UTC') + ${`1 ${width}`}::interval`
  const [next] = await db
    .select({
      from: sql<string>`last::text`,
      below: sql<string>`lowest_uuid_v7(${end})::text`,
      end: sql<string>`to_char((${end}) at time zone 'UTC', 'YYYYMMDD')`,
    })
    .from(sql`(select last, ${lastEnd} as last_end from (select ${last} as last) as newest) as newest`)
    .where(sql`last_end < now() + make_interval(days => ${AHEAD_DAYS})`)
  return next
}

/**
 * Makes sure that there is a partition for this id, however far ahead it is, and returns what is higher than all ids that
 * have one. Up to it one partition spans all of the time: nothing else is known to be stored there.
 */
export async function createPartitionFor(db: Database, width: PartitionWidth, id: string): Promise<string> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${PARTITION_LOCK})`)
    const from = (await listPartitions(tx)).at(-1)?.below ?? id
    if (id < from) return from
    const end = sql`date_trunc(${width}, ${timeOf(sql`${id}`)}, 'UTC') + ${`1 ${width}`}::interval`
    const [next] = await tx
      .select({
        below: sql<string>`lowest_uuid_v7(${end})::text`,
        end: sql<string>`to_char((${end}) at time zone 'UTC', 'YYYYMMDD')`,
      })
      .from(sql`(select) as bounds`)
    if (!next) throw new Error('the database did not tell the bounds of a partition')
    await createPartition(tx, { ...next, from })
    return next.below
  })
}

/** The time in an id. */
const timeOf = (id: SQL): SQL =>
  sql`to_timestamp(('x' || left(replace(${id}::text, '-', ''), 12))::bit(48)::bigint / 1000.0)`

/** Created beside its parent and attached then, which stops nobody. What it needs of indexes and triggers comes from there. */
async function createPartition(db: Pick<Database, 'execute'>, { from, below, end }: NextPartition): Promise<void> {
  for (const { parent, prefix } of PARTITIONED) {
    const name = sql.identifier(prefix + end)
    const of = sql.identifier(parent)
    const range = sql.raw(`from ('${from}') to ('${below}')`)
    await db.execute(sql`create table ${name} (like ${of} including all)`)
    await db.execute(sql`alter table ${of} attach partition ${name} for values ${range}`)
  }
}

/** Those that there are, the oldest first. */
export async function listPartitions(db: Pick<Database, 'select'>): Promise<Partition[]> {
  return db
    .select({ end: sql<string>`name_end`, below: sql<string>`upper_bound::text` })
    .from(sql`(${bounds}) as bounds`)
    .orderBy(sql`upper_bound`)
}

const bounds = sql`
  select substring(child.relname from '\\d+$') as name_end,
    substring(pg_get_expr(child.relpartbound, child.oid) from 'TO \\(''([-0-9a-f]+)''\\)')::uuid as upper_bound
  from pg_inherits join pg_class as child on child.oid = inhrelid
  where inhparent = 'executions_settled'::regclass`

/**
 * Drops all partitions up to this end, and returns it; undefined where there was nothing in them. Rejects with
 * lock_not_available (55P03) where others use the tables for too long: to be tried again.
 * An empty one takes their place, so that there is always one for what a wrong clock dates back.
 */
export async function dropPartitionsBelow(db: Database, below: string): Promise<string | undefined> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${PARTITION_LOCK})`)
    const gone = await expiredPartitions(tx, below)
    const last = gone.at(-1)
    if (!last) return undefined
    await tx.execute(sql.raw(`set local lock_timeout = ${LOCK_WAIT_MS}`))
    // Most of it before others have to wait; and once more, for what was being counted until we had the lock.
    await forgetStatsBelow(tx, last.below)
    for (const { parent, prefix } of PARTITIONED) {
      for (const { end } of gone) await tx.execute(sql`drop table ${sql.identifier(prefix + end)}`)
      const range = sql.raw(`from (minvalue) to ('${last.below}')`)
      const name = sql.identifier(prefix + last.end)
      await tx.execute(sql`create table ${name} partition of ${sql.identifier(parent)} for values ${range}`)
    }
    await forgetStatsBelow(tx, last.below)
    return last.end
  })
}

/** Those up to this end, the oldest first; none where the only one is empty already. */
export async function expiredPartitions(db: Pick<Database, 'select'>, below: string): Promise<Partition[]> {
  // As text the ids compare as they do in the database.
  const expired = (await listPartitions(db)).filter((one) => one.below <= below)
  const [oldest] = expired
  if (!oldest || expired.length > 1) return expired
  const rows = PARTITIONED.map(({ prefix }) => sql`select from ${sql.identifier(prefix + oldest.end)}`)
  const [found] = await db
    .select({ some: sql<boolean>`exists (${sql.join(rows, sql` union all `)})` })
    .from(sql`(select) as rows`)
  return found?.some ? expired : []
}
