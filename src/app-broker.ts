/** The broker of a service: the embedded one, or the one that MQTT_URL names. */
import type { Certificates } from './base/certificates.ts'
import type { Config } from './base/config.ts'
import type { MqttTls, ServerTls } from './base/config-tls.ts'
import type { Logger } from './base/log.ts'
import { isLoopback } from './base/loopback.ts'
import type { Store } from './db/connect.ts'
import { createClientLookup } from './domain/clients.ts'
import { forgetConnected, type Presence } from './domain/presence.ts'
import type { Broker } from './mqtt/broker.ts'
import type { BrokerLink } from './mqtt/link.ts'

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

export interface BrokerParts {
  certificates: Certificates
  store: Store
  presence: Presence
}

export async function startEmbeddedBroker(
  config: Config,
  log: Logger,
  { certificates, store: { db }, presence: { noteClient } }: BrokerParts,
): Promise<Broker> {
  const { host, mqttPort, mqttClientId, mqttTlsPort } = config
  const tls = serverTlsOf(certificates.mqtt.current())
  // Loaded by those who use it.
  const { startBroker } = await import('./mqtt/broker.ts')
  await forgetConnected({ db })
  const broker = await startBroker({
    host,
    port: mqttPort,
    tls: tls && { ...tls, port: mqttTlsPort },
    log,
    serviceClientId: mqttClientId,
    lookUpClient: createClientLookup({ db }),
    isOpen: isLoopback(host),
    onClient: noteClient,
  })
  certificates.mqtt.onRenewed((mqttTls) => {
    const renewed = serverTlsOf(mqttTls)
    if (renewed) broker.renewCertificate(renewed)
  })
  return broker
}

const serverTlsOf = (mqttTls: MqttTls | undefined): ServerTls | undefined =>
  mqttTls?.certificate && { ...mqttTls.certificate, ca: mqttTls.ca }

export function linkTo(
  { mqttUrl, mqttClientId }: Config,
  broker: Broker | undefined,
  certificates: Certificates,
): BrokerLink {
  if (broker) return broker.link
  return { kind: 'external', url: mqttUrl ?? '', clientId: mqttClientId, tls: certificates.mqtt.current }
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
