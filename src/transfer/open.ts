import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, ConfigError } from '../base/config.ts'
import { openEmbedded, openPostgres, type Store } from '../db/connect.ts'

type Settings = Pick<Config, 'databaseUrl' | 'dataDir' | 'mqttClientId'>

/** The database of these settings; an embedded one that is not there would be made, and found to be empty. */
export function openExisting(settings: Settings): Promise<Store> {
  const { databaseUrl, dataDir } = settings
  if (!databaseUrl && !existsSync(join(dataDir, 'postgres'))) {
    throw new ConfigError(
      `DATA_DIR: got ${JSON.stringify(dataDir)}, in which there is no database; expected the folder of an embedded database (or DATABASE_URL, for a Postgres)`,
    )
  }
  return openOrCreate(settings)
}

/** The database of these settings, brought to the current schema. The embedded one is refused while a service has it. */
export const openOrCreate = ({ databaseUrl, dataDir, mqttClientId }: Settings): Promise<Store> =>
  databaseUrl ? openPostgres(databaseUrl, mqttClientId) : openEmbedded(dataDir)
