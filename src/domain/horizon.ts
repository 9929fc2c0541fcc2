import { type SQL, sql } from 'drizzle-orm'
import type { Store } from '../db/connect.ts'

/** How far the database is: its clock, and when the oldest began of the transactions under way that may change something. */
export interface Horizon {
  now: Date
  oldestWriter?: Date | undefined
}

/** From its beginning to its locks a transaction takes a moment, and this is far more. */
const YOUNG_MS = 2_000
/** Of sessions of other users we are not shown when they began. None of ours takes as long as this. */
const HIDDEN_MS = 60_000

/** A transaction is seen by others a moment after it began, and this is more than that moment. */
export const UNSEEN_MS = 500

const ago = (ms: number): SQL => sql`clock_timestamp() - make_interval(secs => ${ms / 1000})`
const milliseconds = (instant: SQL) => sql<number>`floor(extract(epoch from ${instant}) * 1000)::float8`

/** The instant up to which whatever changed can be seen by now, if no change takes longer than `lagMs` to be committed. */
export function visibleUpTo({ now, oldestWriter = now }: Horizon, lagMs: number): Date {
  const oldest = Math.min(now.getTime(), oldestWriter.getTime())
  return new Date(Math.max(now.getTime() - lagMs, oldest) - UNSEEN_MS)
}

/**
 * Reads how far Postgres is. A change gets its `updatedAt` after its transaction began, so what is older than every writer
 * under way can be seen. Who holds no lock to write with changes nothing: pg_dump, or a session that was left open after a
 * read, and those may take hours.
 */
export async function readHorizon(db: Pick<Store['db'], 'select'>): Promise<Horizon> {
  const [row] = await db
    .select({
      now: milliseconds(sql`clock_timestamp()`),
      oldestWriter: sql<
        number | null
      >`${milliseconds(sql`min(case when state is null then ${ago(HIDDEN_MS)} else xact_start end)`)}`,
    })
    .from(sql`pg_stat_activity`)
    .where(sql`datname = current_database() and coalesce(backend_type, 'client backend') = 'client backend'
      and pid <> pg_backend_pid() and (xact_start > ${ago(YOUNG_MS)} or pid in (${WRITERS}))`)
  const { now, oldestWriter } = row ?? {}
  return {
    now: new Date(Number(now)),
    oldestWriter: typeof oldestWriter === 'number' ? new Date(oldestWriter) : undefined,
  }
}

/** Not by their transaction ids, which they get with their first row only: until then they may wait, with their clock read. */
const WRITERS = sql`select pid from pg_locks where locktype = 'relation' and mode in ('RowShareLock', 'RowExclusiveLock')`
