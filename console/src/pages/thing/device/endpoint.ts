/** Where a device finds the broker, and what it is there. Pure: no I/O. */

export interface Endpoint {
  host: string
  port: number
  isTls: boolean
}

/** What the code of a device is written for. */
export interface DeviceFacts {
  thingId: string
  clientId: string
  endpoint: Endpoint
  /** It has to show its secret. */
  needsSecret: boolean
}

/** Stands where the secret belongs: nobody but the device has it. */
export const SECRET_PLACEHOLDER = 'THE-SECRET-OF-THIS-THING'

const URL_PARTS = /^(\w+):\/\/(\[[^\]]+\]|[^:/?#]+)(?::(\d+))?/
const PORTS = { plain: 1883, tls: 8883 }
/** As only the service's own machine can use them, or nobody. */
const OF_THAT_MACHINE = /^(localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])$/

/**
 * As devices know it: what the service calls its own machine is the machine that this page came from. `pageHost`: its name.
 * Of a broker that the service reaches over WebSocket its own port is not known, but the usual one is a fair guess.
 */
export function endpointOf(url: string, pageHost: string): Endpoint {
  const [, scheme = 'mqtt', host = pageHost, port] = URL_PARTS.exec(url) ?? []
  const isTls = scheme === 'mqtts' || scheme === 'wss'
  const isMqtt = scheme.startsWith('mqtt')
  return {
    host: OF_THAT_MACHINE.test(host) ? pageHost : host,
    port: isMqtt && port ? Number(port) : isTls ? PORTS.tls : PORTS.plain,
    isTls,
  }
}

export const urlOf = ({ host, port, isTls }: Endpoint): string => `${isTls ? 'mqtts' : 'mqtt'}://${host}:${port}`

/** A host as programs take it that want no URL. */
export const bareHost = ({ host }: Endpoint): string => host.replace(/^\[(.*)\]$/, '$1')

export const executionsOf = (thingId: string): string => `$emqx/commands/things/${thingId}/executions`
