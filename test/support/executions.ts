/** Executions by the hundred, put straight into the database of a service that does not run yet. */
import { sql } from 'drizzle-orm'
import type { Store } from '../../src/db/connect.ts'
import { executions } from '../../src/db/schema.ts'
import type { Execution, ExecutionStatus } from '../../src/domain/execution.ts'

export interface SeedRow {
  thingId: string
  action?: string
  status?: ExecutionStatus
  commandId?: string
  /** RFC 3339, to the microsecond if need be: the id is cut to the millisecond, `createdAt` is rounded. */
  createdAt: string
}

/** Stores them as a service would have, open ones with a TTL that outlives the test. Newest first. */
export async function seedExecutions({ db }: Pick<Store, 'db'>, rows: readonly SeedRow[]): Promise<Execution[]> {
  const values = rows.map(({ thingId, action = 'seeded', status = 'SENT', commandId, createdAt }) => {
    const at = sql`${createdAt}::timestamptz`
    return {
      id: sql`uuid_v7(${at})`,
      ...(commandId && { commandId }),
      thingId,
      action,
      params: {},
      ttl: 86_400,
      status,
      createdAt: at,
      expiresAt: sql`now() + interval '1 day'`,
      settledAt: status === 'SENT' ? null : at,
      updatedAt: at,
    }
  })
  const stored = await db.insert(executions).values(values).returning()
  return stored.sort((a, b) => (a.id < b.id ? 1 : -1))
}
