/** The device process: a fleet of things that answer SUCCEEDED at once. */
import { thingName } from '../fleet.ts'
import { readSettings, serveParent } from '../processes/parent.ts'
import { openDeviceConnection } from './connection.ts'

export interface FleetSettings {
  url: string
  version: 4 | 5
  things: number
  /** The embedded broker wants a connection for each thing; others let gateways speak for many. */
  thingsPerConnection: number
}

const CONNECTING_AT_A_TIME = 50

await serveParent(async () => {
  const { url, version, things, thingsPerConnection } = readSettings<FleetSettings>()
  const { hostname: host, port } = new URL(url)
  const names = Array.from({ length: things }, (_, number) => thingName(number))
  const connections: Promise<void>[] = []
  for (let first = 0; first < things; first += thingsPerConnection) {
    const own = names.slice(first, first + thingsPerConnection)
    // Alone on its connection, a thing has its own name there.
    const clientId = thingsPerConnection === 1 ? (own[0] ?? '') : `bench-gateway-${first}`
    connections.push(openDeviceConnection({ host, port: Number(port), version, clientId, things: own }))
    if (connections.length % CONNECTING_AT_A_TIME === 0) await Promise.all(connections)
  }
  await Promise.all(connections)
  return {}
})
