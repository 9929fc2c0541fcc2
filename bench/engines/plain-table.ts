/** The table of executions without the service: the same columns, checks and indexes, in a database of its own. */
import type { Options } from '../options.ts'
import type { Scope } from '../processes/scope.ts'
import { type BenchDatabase, createDatabase } from './postgres.ts'
import { migrate } from './service.ts'

/** Made from the service's own migrations, so that it is the same table whatever becomes of it; triggers are not copied. */
export async function createPlainTable(scope: Scope, { entry, databaseUrl }: Options): Promise<BenchDatabase> {
  const database = await createDatabase(scope, databaseUrl)
  await migrate(entry, database.url)
  await database.run('create table plain_executions (like executions including all)')
  return database
}
