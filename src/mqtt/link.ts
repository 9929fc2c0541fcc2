/** The two ways to a broker, and one connection to it. Everything above this file is the same for both. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { connect, type IClientOptions, MqttClient } from 'mqtt'
import type { MqttTls } from '../base/config-tls.ts'
import { joinWrites } from '../base/join-writes.ts'

/** A broker of its own, at a URL (mqtt, mqtts, ws or wss; user and password may be in it). */
export interface ExternalLink {
  kind: 'external'
  url: string
  /** Fixed across restarts, and different for each replica: the broker keeps our session under it. */
  clientId: string
  /** Whom to believe, and who we are, where the URL is one of TLS: for each connection anew. Absent: the CAs that Node knows, and no certificate. */
  tls?: () => MqttTls | undefined
}

/** The broker in this process, reached through memory. */
export interface EmbeddedLink {
  kind: 'embedded'
  clientId: string
  connect: () => Duplex
  /** MQTT 3.1.1 has no reason 16 (no matching subscribers), but the broker in our own process can be asked. */
  hasSubscriber: (topic: string) => Promise<boolean>
  /** Whether anybody is subscribed to updates. */
  hasFollowers: () => boolean
}

export type BrokerLink = ExternalLink | EmbeddedLink

/** 4 is MQTT 3.1.1, as on the wire. */
export type ProtocolVersion = 4 | 5

/** How many responses the broker may have on their way to us, not yet acknowledged (MQTT 5 Receive Maximum). */
export const RECEIVE_MAXIMUM = 1000

/** The greatest TTL of a command: until then a response may still come while we are down. */
const SESSION_EXPIRY_SECONDS = 86_400

/**
 * A client for exactly one connection: it never reconnects, so that nothing it did not get rid of can be sent later.
 * Not connected yet: handlers come first, or what waits in our session would be acknowledged unread.
 */
export function newClient(link: BrokerLink, version: ProtocolVersion): MqttClient {
  const options = clientOptions(link.clientId, version)
  if (link.kind === 'embedded') return new MqttClient(() => link.connect(), options)
  return connect(link.url, { ...options, ...tlsOptions(link) })
}

/** Connects a client of `newClient`. Throws where no stream can be made at all, such as for an impossible URL. */
export function openConnection(client: MqttClient): void {
  client.connect()
  // mqtt.js leaves Nagle on, which costs 40 ms for each command that is alone on the link.
  if (client.stream instanceof Socket) client.stream.setNoDelay(true)
  joinWrites(client.stream)
}

/** Ends a connection at once. On TCP also what the kernel has not sent yet is dropped, so that it cannot arrive late. */
export function cutConnection(client: MqttClient): void {
  const { stream } = client
  if (stream instanceof Socket && !(stream instanceof TLSSocket)) stream.resetAndDestroy()
  else stream?.destroy()
}

/** A link for logs, without its password. */
export function describeLink(link: BrokerLink): string {
  if (link.kind === 'embedded') return 'embedded'
  const { protocol, host } = new URL(link.url)
  return `${protocol}//${host}`
}

function tlsOptions({ tls }: ExternalLink): Pick<IClientOptions, 'ca' | 'cert' | 'key'> {
  const { ca, certificate } = tls?.() ?? {}
  return { ...(ca && { ca }), ...certificate }
}

function clientOptions(clientId: string, version: ProtocolVersion): IClientOptions {
  return {
    clientId,
    protocolVersion: version,
    clean: false,
    keepalive: 15,
    connectTimeout: 10_000,
    manualConnect: true,
    reconnectPeriod: 0,
    resubscribe: false,
    // Its debug log costs even where it is off.
    log: () => {},
    // A Buffer for each of 65,536 numbers, which would be looked through at each garbage collection.
    writeCache: false,
    ...(version === 5 && {
      properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS, receiveMaximum: RECEIVE_MAXIMUM },
    }),
  }
}
