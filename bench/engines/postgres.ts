/** A database of the bench's own on a Postgres that runs, and the processes of that Postgres. */
import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { cpuOfFamily, nameOf, parentOf } from '../measure/proc.ts'
import { failure } from '../processes/failure.ts'
import type { Scope } from '../processes/scope.ts'

export interface BenchDatabase {
  url: string
  /** CPU microseconds so far of every process of this Postgres; undefined where it runs on another machine. */
  cpu: (() => number) | undefined
  /** Runs SQL in it. */
  run(statements: string): Promise<unknown>
}

/** Creates an empty database. It is dropped at the end, whoever is still connected. */
export async function createDatabase(scope: Scope, serverUrl: string): Promise<BenchDatabase> {
  const name = `fleet_bench_${randomBytes(6).toString('hex')}`
  await administer(serverUrl, (sql) => sql`create database ${sql(name)}`)
  scope.defer(() => administer(serverUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    cpu: await findCpu(serverUrl),
    run: (statements) => administer(url.href, (sql) => sql.unsafe(statements)),
  }
}

export async function postgresVersion(serverUrl: string): Promise<string> {
  const [row] = await administer(serverUrl, (sql) => sql<{ version: string }[]>`select version()`)
  return /^PostgreSQL [\d.]+/.exec(row?.version ?? '')?.[0] ?? 'PostgreSQL'
}

/** Every process of a Postgres, the background ones too, is a child of its postmaster. */
async function findCpu(serverUrl: string): Promise<(() => number) | undefined> {
  return administer(serverUrl, async (sql) => {
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    const postmaster = row && nameOf(row.pid)?.startsWith('postgres') ? parentOf(row.pid) : undefined
    return postmaster === undefined ? undefined : () => cpuOfFamily(postmaster)
  })
}

async function administer<T>(url: string, run: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 5 })
  try {
    return await run(sql)
  } catch (error) {
    const { host, pathname } = new URL(url)
    throw failure(`DATABASE_URL: ${host}${pathname}: ${error instanceof Error ? error.message : error}`)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
