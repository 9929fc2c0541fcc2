/** The real service: over HTTP, over WebSocket, waiting for the outcome, with documents that are all different. */

import { startMosquitto } from '../engines/mosquitto.ts'
import { createDatabase } from '../engines/postgres.ts'
import { registerFleet } from '../engines/registry.ts'
import { startService } from '../engines/service.ts'
import type { LoadSettings } from '../load/main.ts'
import { cpuOf } from '../measure/proc.ts'
import { startDevices, startLoad, THINGS_PER_GATEWAY } from './stack.ts'
import type { Bench, Pair, Subject, Variant } from './variant.ts'

/** A service with all that it needs, which its variants share. */
export type Stack = Omit<Subject, 'openDriver'> & { url: string; inspectorUrl: string | undefined }

export function serviceVariants(bench: Bench, pair: Pair): Variant[] {
  const stack = once(() => (pair === 'services' ? openServices(bench) : openEmbedded(bench)))
  const all = (inFlight: readonly number[]) => [...inFlight]
  const greatest = (inFlight: readonly number[]) => inFlight.slice(-1)
  const variant = (name: Variant['name'], how: Partial<LoadSettings>, levels = all): Variant => ({
    name,
    pair,
    levels,
    open: async () => {
      const subject = await stack()
      return { ...subject, openDriver: (scope) => startLoad(scope, bench, { url: subject.url, ...how }) }
    },
  })
  const variants = [variant('service-http', {}), variant('service-ws', { transport: 'websocket' })]
  if (pair === 'embedded') return variants
  return [
    ...variants,
    variant('service-http-wait', { wait: true, settledBy: 'answer' }),
    variant('service-http-unique', { form: 'literals' }, greatest),
  ]
}

export async function openServices({ scope, options }: Bench, inspected = false): Promise<Stack> {
  const { entry, serviceLog: logFile, things } = options
  const database = await createDatabase(scope, options.databaseUrl)
  const mosquitto = await startMosquitto(scope)
  const services = { databaseUrl: database.url, mqttUrl: mosquitto.url }
  const service = await startService(scope, { entry, logFile, services, inspected })
  await registerFleet(service.url, things)
  const fleet = { url: mosquitto.url, version: 5, things, thingsPerConnection: THINGS_PER_GATEWAY } as const
  const devices = await startDevices(scope, fleet)
  return {
    url: service.url,
    pid: service.pid,
    inspectorUrl: service.inspectorUrl,
    cpu: {
      subject: () => cpuOf(service.pid),
      mosquitto: () => cpuOf(mosquitto.pid),
      devices: () => cpuOf(devices.pid),
      ...(database.cpu && { postgres: database.cpu }),
    },
    tidy: () => database.run('vacuum analyze'),
  }
}

async function openEmbedded({ scope, options }: Bench): Promise<Stack> {
  const { entry, serviceLog: logFile, things } = options
  const service = await startService(scope, { entry, logFile })
  await registerFleet(service.url, things)
  // Its broker speaks 3.1.1, and lets a client answer for its own thing only.
  const devices = await startDevices(scope, { url: service.mqttUrl, version: 4, things, thingsPerConnection: 1 })
  return {
    url: service.url,
    pid: service.pid,
    inspectorUrl: service.inspectorUrl,
    cpu: { subject: () => cpuOf(service.pid), devices: () => cpuOf(devices.pid) },
    tidy: async () => {},
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
