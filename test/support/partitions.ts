/** Partitions of a database that is older than it is. */
import { sql } from 'drizzle-orm'
import type { Store } from '../../src/db/connect.ts'
import { listPartitions } from '../../src/db/partitions.ts'

/** Replaces the partitions of an empty database: one up to each of these days, in their order, the first from the beginning of time. */
export async function repartition({ db }: Pick<Store, 'db'>, days: readonly string[]): Promise<void> {
  const run = (statement: string) => db.execute(sql.raw(statement))
  for (const { end } of await listPartitions(db)) {
    await run(`drop table executions_until_${end}`)
    await run(`drop table ignored_responses_until_${end}`)
  }
  for (const [n, day] of days.entries()) {
    const from = n === 0 ? 'minvalue' : `lowest_uuid_v7('${days[n - 1]} 00:00Z')`
    const range = `for values from (${from}) to (lowest_uuid_v7('${day} 00:00Z'))`
    const end = day.replaceAll('-', '')
    await run(`create table executions_until_${end} partition of executions_settled ${range}`)
    await run(`create table ignored_responses_until_${end} partition of ignored_responses ${range}`)
  }
}
