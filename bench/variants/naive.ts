/** The naive pipeline, under the load and with the devices that the service has. */
import { startMosquitto } from '../engines/mosquitto.ts'
import { createPlainTable } from '../engines/plain-table.ts'
import { fleetStatements } from '../engines/registry.ts'
import { cpuOf } from '../measure/proc.ts'
import type { NaiveSettings } from '../naive/server.ts'
import { startChild } from '../processes/child.ts'
import { startDevices, startLoad, THINGS_PER_GATEWAY } from './stack.ts'
import type { Bench, Subject, Variant } from './variant.ts'

const SERVER = new URL('../naive/server.js', import.meta.url)

export const naiveVariant = (bench: Bench): Variant => ({
  name: 'naive',
  pair: 'services',
  levels: (inFlight) => [...inFlight],
  open: () => openNaive(bench),
})

async function openNaive(bench: Bench): Promise<Subject> {
  const { scope, options } = bench
  const { things, keys, naiveKeys } = options
  const database = await createPlainTable(scope, options)
  await database.run(fleetStatements(things))
  const mosquitto = await startMosquitto(scope)
  const settings: NaiveSettings = { databaseUrl: database.url, mqttUrl: mosquitto.url }
  const server = await startChild<{ url: string }>(scope, SERVER, settings)
  const fleet = { url: mosquitto.url, version: 5, things, thingsPerConnection: THINGS_PER_GATEWAY } as const
  const devices = await startDevices(scope, fleet)
  const { url } = server.ready
  return {
    pid: server.pid,
    cpu: {
      subject: () => cpuOf(server.pid),
      mosquitto: () => cpuOf(mosquitto.pid),
      devices: () => cpuOf(devices.pid),
      ...(database.cpu && { postgres: database.cpu }),
    },
    openDriver: (windowScope) => startLoad(windowScope, bench, { url, keys: keys && naiveKeys }),
    tidy: () => database.run('vacuum analyze'),
  }
}
