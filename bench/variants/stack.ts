/** What stands around a subject: the load in front of it, the devices behind it. */
import type { FleetSettings } from '../devices/main.ts'
import type { LoadSettings } from '../load/main.ts'
import { startChild } from '../processes/child.ts'
import type { Scope } from '../processes/scope.ts'
import type { Bench } from './variant.ts'

/** A broker that lets a gateway speak for many things is spared a connection for each. */
export const THINGS_PER_GATEWAY = 125

const LOAD = new URL('../load/main.js', import.meta.url)
const DEVICES = new URL('../devices/main.js', import.meta.url)

export function startLoad(scope: Scope, { options }: Bench, how: Partial<LoadSettings> & { url: string }) {
  const { things, keys } = options
  const usual = { form: 'variables', transport: 'http', settledBy: 'event', wait: false, things, keys } as const
  return startChild(scope, LOAD, { ...usual, ...how } satisfies LoadSettings)
}

export function startDevices(scope: Scope, settings: FleetSettings) {
  return startChild(scope, DEVICES, settings)
}
