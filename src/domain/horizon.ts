import { type SQL, sql } from 'drizzle-orm'
import type { Store } from '../db/connect.ts'

/** How far the database is: its clock, and when the oldest began of the transactions under way that may change something. */
export interface Horizon {
  now: Date
  oldestWriter?: Date | undefined
}

/** From its beginning to its locks a statement takes a moment, and this is far more. */
const YOUNG_MS = 2_000
/** Of some sessions we are not shown when they began, such as those of other users. None of ours takes as long as this. */
const HIDDEN_MS = 60_000

/** A transaction is seen by others a moment after it began, and this is more than that moment. */
export const UNSEEN_MS = 500

// Before it looks at the sessions: what begins later changes nothing that is older.
const ago = (ms: number): SQL => sql`statement_timestamp() - make_interval(secs => ${ms / 1000})`
const milliseconds = (instant: SQL): SQL => sql`floor(extract(epoch from ${instant}) * 1000)::float8`

/** The instant up to which whatever changed can be seen by now, if no change takes longer than `lagMs` to be committed. */
export function visibleUpTo({ now, oldestWriter = now }: Horizon, lagMs: number): Date {
  const oldest = Math.min(now.getTime(), oldestWriter.getTime())
  return new Date(Math.max(now.getTime() - lagMs, oldest) - UNSEEN_MS)
}

/**
 * Reads how far Postgres is. A row's `updatedAt` is read from the clock by the statement that changes it or later, so what is
 * older than every writer under way can be seen. Who holds no lock to write to these tables changes nothing of them: pg_dump,
 * or a session that was left open after a read, and those may take hours.
 */
export async function readHorizon(db: Pick<Store['db'], 'select'>): Promise<Horizon> {
  const [row] = await db
    .select({
      now: sql<number>`${milliseconds(sql`statement_timestamp()`)}`,
      oldestWriter: sql<number | null>`${milliseconds(sql`min(coalesce(xact_start, ${ago(HIDDEN_MS)}))`)}`,
    })
    .from(sql`pg_stat_activity`)
    .where(sql`datname = current_database() and pid <> pg_backend_pid()
      and (backend_type = 'client backend' and xact_start > ${ago(YOUNG_MS)} or pid in (${WRITERS}))`)
  const { now, oldestWriter } = row ?? {}
  return {
    now: new Date(Number(now)),
    oldestWriter: typeof oldestWriter === 'number' ? new Date(oldestWriter) : undefined,
  }
}

/**
 * Not by their transaction ids, which they get with their first row only: until then they may wait, with their clock read.
 * Of these tables, whose `updatedAt` is followed, and not of their indexes, which VACUUM locks in this way, too.
 */
const WRITERS = sql.raw(`
  select pid from pg_locks where locktype = 'relation' and mode in ('RowShareLock', 'RowExclusiveLock')
  and relation = any (array['executions', 'executions_open', 'things', 'thing_presence']::regclass[])`)
