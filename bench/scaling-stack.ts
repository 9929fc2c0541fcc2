/** Replicas of the real service on one database and one Mosquitto, with devices, and a load for each. */
import postgres from 'postgres'
import { startMosquitto } from './engines/mosquitto.ts'
import { createDatabase } from './engines/postgres.ts'
import { registerFleet } from './engines/registry.ts'
import { type Service, startService } from './engines/service.ts'
import { cpuOf } from './measure/proc.ts'
import type { Scope } from './processes/scope.ts'
import { startDevices, startLoad, THINGS_PER_GATEWAY } from './variants/stack.ts'
import type { Bench } from './variants/variant.ts'

export interface Replicas {
  services: Service[]
  mosquittoPid: number
  devicesPid: number
  /** CPU of the connections to this database alone: others may use the same Postgres meanwhile. */
  postgresCpu(): Promise<number>
  sql: postgres.Sql
  tidy(): Promise<unknown>
}

/** Where something is to be counted on the way, it goes through proxies; these take a URL and give another one. */
export interface Detours {
  database(url: string): Promise<string>
  serviceMqtt(url: string): Promise<string>
  deviceMqtt(url: string): Promise<string>
}

const DIRECT: Detours = {
  database: async (url) => url,
  serviceMqtt: async (url) => url,
  deviceMqtt: async (url) => url,
}

export async function openReplicas(bench: Bench, count: number, detours = DIRECT): Promise<Replicas> {
  const { scope, options } = bench
  const database = await createDatabase(scope, options.databaseUrl)
  const sql = postgres(database.url, { max: 1, onnotice: () => {} })
  scope.defer(() => sql.end({ timeout: 1 }))
  const mosquitto = await startMosquitto(scope)
  const services: Service[] = []
  for (let number = 0; number < count; number++) {
    const engines = {
      databaseUrl: await detours.database(database.url),
      mqttUrl: await detours.serviceMqtt(mosquitto.url),
    }
    const environment = {
      MQTT_CLIENT_ID: `fleet-bench-${number}`,
      NODE_OPTIONS: process.env['SERVICE_NODE_OPTIONS'] ?? '',
    }
    services.push(
      await startService(scope, { entry: options.entry, logFile: options.serviceLog, services: engines, environment }),
    )
  }
  await registerFleet(services[0]?.url ?? '', options.things)
  const devices = await startDevices(scope, {
    url: await detours.deviceMqtt(mosquitto.url),
    version: 5,
    things: options.things,
    thingsPerConnection: THINGS_PER_GATEWAY,
  })
  return {
    services,
    mosquittoPid: mosquitto.pid,
    devicesPid: devices.pid,
    postgresCpu: () => backendsCpu(sql),
    sql,
    tidy: () => sql.unsafe('vacuum analyze'),
  }
}

export async function backendsCpu(sql: postgres.Sql): Promise<number> {
  const rows = await sql<{ pid: number }[]>`
    select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
  return rows.reduce((sum, { pid }) => sum + cpuOf(pid), 0)
}

export const openLoad = (scope: Scope, bench: Bench, url: string) => startLoad(scope, bench, { url })
