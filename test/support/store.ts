/** The database of a service that does not run yet: to fill it, or to break it, without going through the API. */
import { openEmbedded, openPostgres, type Store } from '../../src/db/connect.ts'
import type { Backend } from './backend.ts'

/** Opens the database, hands it over, and closes it again: the embedded one can be open only once. */
export async function withStore<T>(
  { settings: { databaseUrl, dataDir } }: Backend,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const store = databaseUrl ? await openPostgres(databaseUrl, 'test') : await openEmbedded(dataDir)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}
