/** The embedded broker: aedes behind our rules, for devices over TCP and WebSocket, and for the service through memory. */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import { Aedes, type Client, type Connection, type PublishPacket } from 'aedes'
import type { WebSocket } from 'ws'
import type { Logger } from '../base/log.ts'
import type { ClientLookup } from '../domain/clients.ts'
import type { ClientHandler } from '../domain/ports.ts'
import { MAX_MESSAGE_BYTES } from '../protocol/messages.ts'
import { ALL_RESPONSES } from '../protocol/topics.ts'
import { createAccess } from './broker-access.ts'
import { followClients } from './broker-clients.ts'
import { type DoorOptions, type Doors, openDoors } from './broker-listener.ts'
import { createSessionQueues, type OutgoingStore } from './broker-queues.ts'
import { createRules, MAX_CLIENT_ID_LENGTH, type Rules } from './broker-rules.ts'
import { createSubscribers } from './broker-subscribers.ts'
import { openWebSocketStream } from './broker-websocket.ts'
import type { EmbeddedLink } from './link.ts'
import { limitPackets } from './packet-limit.ts'

export interface BrokerOptions extends DoorOptions {
  /** The client id of the service, refused to anybody else. */
  serviceClientId: string
  /** The thing that a client with this id acts for. A client is refused while this rejects. */
  lookUpClient: ClientLookup
  /** Things without a secret may connect, and strangers: for a broker that only this machine reaches. */
  isOpen: boolean
  /** Hears which clients come and go. */
  onClient?: ClientHandler
}

export interface Broker {
  /** The TCP port it listens on. */
  port: number
  /** That of the door with TLS, where there is one. */
  tlsPort: number | undefined
  renewCertificate: Doors['renew']
  /** The service's own way in, for `createGateway`. */
  link: EmbeddedLink
  /** Serves MQTT on a WebSocket that was accepted with the subprotocol "mqtt". */
  handleWebSocket(socket: WebSocket, request: IncomingMessage): void
  /** To be called when things or their client ids changed: who may do what is looked up again. */
  refreshAccess(): void
  /** Whether a client with this id is connected. */
  hasClient(clientId: string): boolean
  /** Disconnects the client with this id, if it is connected. */
  dismissClient(clientId: string): void
  /** Disconnects everybody and stops listening. */
  stop(): Promise<void>
}

/** The store of aedes, as far as we look at it: its own types know it as `any`. */
interface Persistence extends OutgoingStore {
  addSubscriptions(client: Client | { id: string }, subscriptions: { topic: string; qos: number }[]): Promise<void>
  subscriptionsByTopic(topic: string): Promise<unknown[]>
}

const MAX_CONNECTIONS = 10_000
const CONNECT_DEADLINE_MS = 10_000
/** A client that reads nothing for this long is cut, since the others wait for it. */
const DRAIN_DEADLINE_MS = 10_000
/**
 * How many messages aedes routes at a time, where each response waits for its commit: with its own 100 the batches of an
 * embedded database are smaller, and a command costs a tenth more.
 */
const MESSAGES_IN_FLIGHT = 1_000
/** Room for the topic and the header. */
const MAX_PACKET_BYTES = MAX_MESSAGE_BYTES + 1024

/** Nobody may subscribe to it. */
const NOWHERE = '$routed'

/** Starts the broker. Rejects where it cannot listen on this host at all. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { log, serviceClientId } = options
  const access = createAccess(options)
  const subscribers = createSubscribers()
  const queues = createSessionQueues(serviceClientId)
  const serviceConnections = new WeakSet<Connection>()
  const rules = createRules({ log, access, queues, subscribers, deliver, serviceClientId, serviceConnections })
  const { mayKeep, ...hooks } = rules
  const aedes = await Aedes.createBroker({
    ...hooks,
    connectTimeout: CONNECT_DEADLINE_MS,
    drainTimeout: DRAIN_DEADLINE_MS,
    concurrency: MESSAGES_IN_FLIGHT,
    maxClientsIdLength: MAX_CLIENT_ID_LENGTH,
  })
  const persistence = takeOverQueues(aedes, queues.store, mayKeep)
  // Before the first device is let in, so that no response of a device that is back earlier than the service is lost.
  await persistence.addSubscriptions({ id: serviceClientId }, [{ topic: ALL_RESPONSES, qos: 1 }])

  aedes.on('unsubscribe', (filters, client) => subscribers.remove(client, filters))
  aedes.on('clientDisconnect', (client) => subscribers.removeAll(client))
  // Where the registry changed while it came in, it is looked up again.
  aedes.on('client', access.lastKnownThings)
  const clients = followClients(aedes, serviceClientId, options.onClient ?? (() => {}))
  logFailures(aedes, log)

  const streams = new Set<Duplex>()
  const doors = await openDoors(options, (socket) => accept(socket))
  const link: EmbeddedLink = {
    kind: 'embedded',
    clientId: serviceClientId,
    connect,
    hasSubscriber,
    hasFollowers: subscribers.hasFollowers,
  }
  return {
    port: doors.port,
    tlsPort: doors.tlsPort,
    renewCertificate: doors.renew,
    link,
    handleWebSocket,
    refreshAccess: access.refresh,
    hasClient: clients.has,
    dismissClient: clients.dismiss,
    stop,
  }

  function deliver(response: PublishPacket, then: () => void): void {
    const { topic, payload } = response
    // A copy, because an empty or shared payload must not be taken for another message's.
    const own = Buffer.from(payload)
    queues.whenServiceTook(own, then)
    aedes.publish({ cmd: 'publish', topic, payload: own, qos: 1, retain: false, dup: false }, (error) => {
      if (error) log.error({ err: error, topic }, 'the embedded MQTT broker could not route a response')
    })
    // What aedes itself routes after the PUBACK has been routed by now.
    response.topic = NOWHERE
  }

  function accept(stream: Duplex, request?: IncomingMessage): void {
    if (streams.size >= MAX_CONNECTIONS) {
      stream.on('error', () => {})
      stream.destroy()
      return
    }
    streams.add(stream)
    stream.once('close', () => streams.delete(stream))
    limitPackets(stream, MAX_PACKET_BYTES)
    aedes.handle(stream, request)
  }

  function connect(): Duplex {
    const [ours, theirs] = duplexPair()
    ours.once('close', () => theirs.destroy())
    theirs.once('close', () => ours.destroy())
    serviceConnections.add(theirs)
    aedes.handle(theirs)
    return ours
  }

  function handleWebSocket(socket: WebSocket, request: IncomingMessage): void {
    socket.on('error', (error) => log.debug({ err: error }, 'MQTT WebSocket error'))
    accept(openWebSocketStream(socket), request)
  }

  async function hasSubscriber(topic: string): Promise<boolean> {
    // A session whose client is away counts: it gets the request when it is back in time.
    return subscribers.has(topic) || (await persistence.subscriptionsByTopic(topic)).length > 0
  }

  async function stop(): Promise<void> {
    const closed = doors.close()
    await new Promise<void>((resolve) => aedes.close(resolve))
    for (const stream of streams) stream.destroy()
    await closed
  }
}

function logFailures(aedes: Aedes, log: Logger): void {
  aedes.on('clientError', (client, error) => log.debug({ err: error, clientId: client.id }, 'MQTT client error'))
  aedes.on('connectionError', (_client, error) => log.debug({ err: error }, 'MQTT connection error'))
  // Its types leave this one out; unheard, it would end the process.
  const events: EventEmitter = aedes
  events.on('error', (error) => log.error({ err: error }, 'the embedded MQTT broker failed on a message'))
}

/**
 * Puts our queues in the place of those of aedes' memory store. It also stored every filter of a SUBSCRIBE for the session
 * as soon as one of them was allowed, and queued messages of the denied ones: only those that may be kept are kept.
 */
function takeOverQueues(aedes: Aedes, store: OutgoingStore, mayKeep: Rules['mayKeep']): Persistence {
  const { persistence } = aedes as unknown as { persistence: Persistence }
  const addSubscriptions = persistence.addSubscriptions.bind(persistence)
  return Object.assign(persistence, store, {
    addSubscriptions: (client: Client, subscriptions: { topic: string; qos: number }[]) =>
      addSubscriptions(
        client,
        subscriptions.filter(({ topic }) => mayKeep(client, topic)),
      ),
  })
}
