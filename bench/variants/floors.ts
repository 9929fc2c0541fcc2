/** The floors: what each part of the way costs alone. No service can be faster than these. */

import { startMosquitto } from '../engines/mosquitto.ts'
import { createPlainTable } from '../engines/plain-table.ts'
import type { HttpFloorSettings } from '../floors/http-server.ts'
import type { MqttFloorSettings } from '../floors/mqtt-client.ts'
import type { PostgresFloorSettings } from '../floors/postgres-client.ts'
import { cpuOf } from '../measure/proc.ts'
import { startChild } from '../processes/child.ts'
import { startDevices, startLoad, THINGS_PER_GATEWAY } from './stack.ts'
import type { Bench, Subject, Variant } from './variant.ts'

const HTTP_SERVER = new URL('../floors/http-server.js', import.meta.url)
const MQTT_CLIENT = new URL('../floors/mqtt-client.js', import.meta.url)
const POSTGRES_CLIENT = new URL('../floors/postgres-client.js', import.meta.url)

export function floorVariants(bench: Bench): Variant[] {
  const floor = (name: Variant['name'], open: Variant['open'], most = Number.POSITIVE_INFINITY): Variant => ({
    name,
    pair: 'services',
    levels: (inFlight) => inFlight.filter((level) => level <= most),
    open,
  })
  return [
    floor('http-json', () => openHttp(bench, 'http-json')),
    floor('http-jit', () => openHttp(bench, 'http-jit')),
    floor('yoga-hello', () => openHttp(bench, 'yoga-hello')),
    floor('mqtt-only', () => openMqtt(bench)),
    floor('postgres-batched', () => openPostgres(bench, 'postgres-batched')),
    floor('commit-alone', () => openPostgres(bench, 'commit-alone'), 1),
  ]
}

async function openHttp(bench: Bench, kind: HttpFloorSettings['kind']): Promise<Subject> {
  const server = await startChild<{ url: string }>(bench.scope, HTTP_SERVER, { kind })
  const { url } = server.ready
  const form = kind === 'yoga-hello' ? 'hello' : 'variables'
  return {
    pid: server.pid,
    cpu: { subject: () => cpuOf(server.pid) },
    openDriver: (scope) => startLoad(scope, bench, { url, form, settledBy: 'answer' }),
    tidy: async () => {},
  }
}

async function openMqtt({ scope, options: { things } }: Bench): Promise<Subject> {
  const mosquitto = await startMosquitto(scope)
  const { url } = mosquitto
  const devices = await startDevices(scope, { url, version: 5, things, thingsPerConnection: THINGS_PER_GATEWAY })
  const client = await startChild(scope, MQTT_CLIENT, { url, things } satisfies MqttFloorSettings)
  return {
    pid: client.pid,
    cpu: {
      subject: () => cpuOf(client.pid),
      mosquitto: () => cpuOf(mosquitto.pid),
      devices: () => cpuOf(devices.pid),
    },
    openDriver: async () => client,
    tidy: async () => {},
  }
}

async function openPostgres({ scope, options }: Bench, kind: PostgresFloorSettings['kind']): Promise<Subject> {
  const database = await createPlainTable(scope, options)
  const settings: PostgresFloorSettings = { kind, databaseUrl: database.url, things: options.things }
  const client = await startChild(scope, POSTGRES_CLIENT, settings)
  return {
    pid: client.pid,
    cpu: { subject: () => cpuOf(client.pid), ...(database.cpu && { postgres: database.cpu }) },
    openDriver: async () => client,
    tidy: () => database.run('vacuum analyze'),
  }
}
