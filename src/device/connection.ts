/** The device's link to its broker: a persistent session and one subscription, kept up until it is closed. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import mqtt, { type IClientOptions, MqttClient } from 'mqtt'
import { closeClient, endForGood } from './closing.ts'
import { connectionRefusal, isProtocolRefusal, type Refusal, reasonCodeOf, subscriptionRefusal } from './refusal.ts'

export interface ConnectionOptions {
  /** The broker: mqtt, mqtts, ws or wss; or what opens a stream to a broker in this process. */
  url: string | (() => Duplex)
  clientId: string
  username?: string | undefined
  password?: string | undefined
  /** With mqtts or wss, in PEM: the CA of the broker; a certificate and its key for a broker that asks for one. */
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  /** The one subscription. */
  filter: string
  /** Milliseconds from a lost link to the next try. */
  reconnectMs: number
}

export interface ConnectionHandlers {
  onReady(link: Link): void
  onLost(why: string): void
  onRefused(refusal: Refusal): void
  onMessage(topic: string, payload: Uint8Array): void
}

export interface Link {
  protocol: MqttVersion
  /** The broker still had our session: what it kept for us arrives now. */
  sessionPresent: boolean
}

export type MqttVersion = '5' | '3.1.1'

export interface Connection {
  /** Resolves once the broker has it. It is kept and sent again while the link is down. */
  publish(topic: string, payload: string): Promise<void>
  close(): Promise<void>
}

/** A client of mqtt.js, and what is known about its link. */
interface Attempt {
  client: MqttClient
  version: MqttVersion
  /** Why the link is about to be lost. */
  why: string | undefined
  refused: boolean
  connected: boolean
  /** How often the link broke with this packet unacknowledged. */
  losses: Map<number, number>
}

/** No request lives longer than a day, so there is no reason for a session to. */
const SESSION_SECONDS = 86_400
const KEEPALIVE_SECONDS = 30
/** A publish that broke the link this often is taken to be the cause: mqtt.js would send it again, forever. */
const MAX_LOSSES = 3

/** Opens the link and keeps it up. MQTT 5 first; 3.1.1 where the broker refuses 5, because mqtt.js does not fall back by itself. */
export function openConnection(options: ConnectionOptions, handlers: ConnectionHandlers): Connection {
  const inFlight = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined
  let current = open('5')

  function open(version: MqttVersion): Attempt {
    const client = createClient(options, version)
    const attempt: Attempt = { client, version, why: undefined, refused: false, connected: false, losses: new Map() }
    // Handlers first: what the broker kept for this session arrives with the CONNACK, and would be acknowledged and lost.
    followLink(attempt, options, handlers, () => {
      if (!closing) current = open('3.1.1')
    })
    client.connect()
    return attempt
  }

  return {
    publish: (topic, payload) => track(inFlight, current.client.publishAsync(topic, payload, { qos: 1 })),
    close() {
      closing ??= closeClient(current.client, inFlight, typeof options.url !== 'string')
      return closing
    },
  }
}

async function track(inFlight: Set<Promise<unknown>>, publish: Promise<unknown>): Promise<void> {
  inFlight.add(publish)
  try {
    await publish
  } finally {
    inFlight.delete(publish)
  }
}

function createClient(options: ConnectionOptions, version: MqttVersion) {
  const { url, clientId, username, password, ca, cert, key, reconnectMs } = options
  const clientOptions: IClientOptions = {
    clientId,
    clean: false,
    manualConnect: true,
    protocolVersion: version === '5' ? 5 : 4,
    ...(version === '5' && { properties: { sessionExpiryInterval: SESSION_SECONDS } }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
    keepalive: KEEPALIVE_SECONDS,
    reconnectPeriod: reconnectMs,
    reconnectOnConnackError: true,
    resubscribe: false, // We subscribe on every connect, and look at the answer.
  }
  return typeof url === 'string' ? mqtt.connect(url, clientOptions) : new MqttClient(url, clientOptions)
}

function followLink(attempt: Attempt, options: ConnectionOptions, handlers: ConnectionHandlers, fallBack: () => void) {
  const { client } = attempt
  client.on('message', (topic, payload) => handlers.onMessage(topic, payload))
  client.on('packetreceive', (packet) => {
    // Not on 'connect': mqtt.js tells of that only after it has sent again what was unacknowledged.
    if (packet.cmd === 'connack' && !packet.returnCode && !packet.reasonCode) attempt.connected = true
  })
  client.on('connect', ({ sessionPresent }) => {
    disableNagle(client)
    subscribe(attempt, options, handlers, sessionPresent)
  })
  client.on('disconnect', ({ reasonCode }) => {
    attempt.why = `the broker ended the connection: ${mqtt.ReasonCodes[reasonCode as keyof typeof mqtt.ReasonCodes] ?? reasonCode}`
  })
  client.on('error', (error) => {
    if (attempt.version === '5' && isProtocolRefusal(error)) {
      attempt.refused = true
      void endForGood(client, true)
      return fallBack()
    }
    attempt.why = describeError(error)
    const refusal = connectionRefusal(error)
    if (!refusal) return
    attempt.refused = true
    handlers.onRefused(refusal)
  })
  client.on('close', () => reportLoss(attempt, handlers))
}

function reportLoss(attempt: Attempt, handlers: ConnectionHandlers): void {
  if (attempt.connected) dropPoison(attempt)
  if (!attempt.refused && !attempt.client.disconnecting)
    handlers.onLost(attempt.why ?? 'the broker closed the connection')
  Object.assign(attempt, { why: undefined, refused: false, connected: false })
}

function subscribe(
  attempt: Attempt,
  options: ConnectionOptions,
  handlers: ConnectionHandlers,
  sessionPresent: boolean,
) {
  const { client, version } = attempt
  const { clientId, filter, reconnectMs } = options
  client.subscribe(filter, { qos: 1 }, (error) => {
    if (!error) return handlers.onReady({ protocol: version, sessionPresent })
    if (reasonCodeOf(error) === undefined && !client.connected) return
    handlers.onRefused(subscriptionRefusal(error, clientId, filter))
    setTimeout(() => client.connected && subscribe(attempt, options, handlers, sessionPresent), reconnectMs).unref()
  })
}

/** A broker that denies a publish by cutting the connection would get it again at each reconnect, forever. */
function dropPoison({ client, losses }: Attempt): void {
  for (const id of losses.keys()) if (!(id in client.outgoing)) losses.delete(id)
  for (const id of Object.keys(client.outgoing).map(Number)) {
    const count = (losses.get(id) ?? 0) + 1
    losses.set(id, count)
    if (count >= MAX_LOSSES) client.removeOutgoingMessage(id)
  }
}

/** mqtt.js never sets TCP_NODELAY; without it an answer waits up to 40 ms for the broker's delayed ACK. */
function disableNagle({ stream }: MqttClient): void {
  if (stream instanceof Socket) stream.setNoDelay(true)
}

/** Node puts several failed addresses of one host into an error without a message. */
function describeError(error: Error): string {
  return error.message || ('code' in error ? String(error.code) : error.name)
}
