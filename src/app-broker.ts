/** The broker of a service: the embedded one, or the one that MQTT_URL names. */
import type { Config } from './base/config.ts'
import type { Logger } from './base/log.ts'
import { isLoopback } from './base/loopback.ts'
import type { Store } from './db/connect.ts'
import { createClientLookup } from './domain/clients.ts'
import { forgetConnected, type Presence } from './domain/presence.ts'
import type { Broker } from './mqtt/broker.ts'

export interface EmbeddedBroker {
  kind: 'embedded'
  host: string
  port: number
  portWanted: number
  /** Of the door with TLS, where there is one. */
  tls: { port: number; portWanted: number } | undefined
  /** Each thing must have a secret, and present it. */
  needsSecrets: boolean
}

/** Where devices connect. */
export type BrokerFacts = EmbeddedBroker | { kind: 'external'; url: string }

export async function startEmbeddedBroker(
  config: Config,
  log: Logger,
  { db }: Store,
  { noteClient }: Presence,
): Promise<Broker> {
  const { host, mqttPort, mqttClientId, mqttTls, mqttTlsPort } = config
  // Loaded by those who use it.
  const { startBroker } = await import('./mqtt/broker.ts')
  await forgetConnected({ db })
  return startBroker({
    host,
    port: mqttPort,
    tls: mqttTls?.certificate && { ...mqttTls.certificate, ca: mqttTls.ca, port: mqttTlsPort },
    log,
    serviceClientId: mqttClientId,
    lookUpClient: createClientLookup({ db }),
    isOpen: isLoopback(host),
    onClient: noteClient,
  })
}

export function linkTo({ mqttUrl, mqttClientId, mqttTls }: Config, broker: Broker | undefined) {
  if (broker) return broker.link
  return { kind: 'external' as const, url: mqttUrl ?? '', clientId: mqttClientId, tls: mqttTls }
}

export function describeBroker(
  { host, mqttPort, mqttTlsPort, mqttUrl }: Config,
  broker: Broker | undefined,
): BrokerFacts {
  if (broker) {
    const { port, tlsPort } = broker
    const tls = tlsPort === undefined ? undefined : { port: tlsPort, portWanted: mqttTlsPort }
    return { kind: 'embedded', host, port, portWanted: mqttPort, tls, needsSecrets: !isLoopback(host) }
  }
  const { protocol, host: address } = new URL(mqttUrl ?? '')
  return { kind: 'external', url: `${protocol}//${address}` }
}
