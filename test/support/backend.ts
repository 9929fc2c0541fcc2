/** Which engines the suite runs on: the embedded pair, or Postgres and a broker where both URLs are given (`npm run test:services`). */
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { inject } from 'vitest'
import type { Config } from '../../src/base/config.ts'

const { DATABASE_URL, MQTT_URL } = process.env

export const onServices = Boolean(DATABASE_URL && MQTT_URL)

export interface Backend {
  settings: Pick<Config, 'databaseUrl' | 'mqttUrl' | 'dataDir' | 'mqttClientId'>
  dispose(): Promise<void>
}

/** Engines of its own for one test file: a new database, or a copy of a folder with an empty one. */
export async function createBackend(): Promise<Backend> {
  const name = `fc_test_${randomBytes(6).toString('hex')}`
  const dataDir = mkdtempSync(join(tmpdir(), `${name}-`))
  if (!onServices) {
    cpSync(inject('templateDataDir'), dataDir, { recursive: true })
    return {
      settings: { databaseUrl: undefined, mqttUrl: undefined, dataDir, mqttClientId: name },
      dispose: async () => rmSync(dataDir, { recursive: true, force: true }),
    }
  }
  await administer((sql) => sql`create database ${sql(name)}`)
  const url = new URL(DATABASE_URL ?? '')
  url.pathname = `/${name}`
  return {
    settings: { databaseUrl: url.href, mqttUrl: MQTT_URL, dataDir, mqttClientId: name },
    dispose: async () => {
      await administer((sql) => sql`drop database if exists ${sql(name)} with (force)`)
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Runs a statement on the server's own database. */
export async function administer(run: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
  try {
    await run(sql)
  } finally {
    await sql.end()
  }
}
