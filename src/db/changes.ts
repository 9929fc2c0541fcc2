import type { Sql } from 'postgres'

/** The channel that the triggers of `0003_announce_changes.sql` notify. */
const CHANNEL = 'executions_changed'

export interface ChangeListener {
  /** Another replica committed a change of these executions. What was committed before `since` has been told of. */
  onChanged(executionIds: string[], since: Date): void
  /** The connection was away: what was committed at or after this instant may not have been heard. */
  onGap(since: Date): void
}

/**
 * Hears from Postgres which executions other replicas changed. The driver listens again after a broken connection;
 * notifications of that time are lost, so the listener is told since when.
 */
export async function listenForChanges(client: Sql, origin: string, listener: ChangeListener): Promise<void> {
  let heardUpTo: Date | undefined
  const readClock = async () => {
    const [row] = await client<
      { ms: number }[]
    >`select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as ms`
    return new Date(row?.ms ?? 0)
  }
  await client.listen(
    CHANNEL,
    (payload) => {
      const [from, milliseconds, ids] = payload.split('|')
      const since = heardUpTo ?? new Date(0)
      heardUpTo = new Date(Number(milliseconds))
      if (from !== origin && ids) listener.onChanged(ids.split(','), since)
    },
    () => {
      if (heardUpTo) listener.onGap(heardUpTo)
    },
  )
  heardUpTo ??= await readClock()
}
