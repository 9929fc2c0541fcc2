/** Who may do what on the embedded broker: the hooks of aedes. Whatever is not allowed here is refused. */
import type { AedesOptions, AedesPublishPacket, Client, Connection, PublishPacket, Subscription } from 'aedes'
import type { Logger } from '../base/log.ts'
import { createRareWarning } from '../base/rare-log.ts'
import { isExpired, MAX_MESSAGE_BYTES, parseRequest } from '../protocol/messages.ts'
import {
  ALL_RESPONSES,
  parseRequestTopic,
  parseResponseTopic,
  parseUpdatedTopic,
  thingOfRequestFilter,
  thingOfUpdatedFilter,
} from '../protocol/topics.ts'
import type { Access, Verdict } from './broker-access.ts'
import type { SessionQueues } from './broker-queues.ts'
import type { Subscribers } from './broker-subscribers.ts'

export interface RulesOptions {
  log: Logger
  access: Access
  queues: SessionQueues
  subscribers: Subscribers
  /** Reserved for the service. */
  serviceClientId: string
  /** Brings a response to the service; calls back when the service has acknowledged it. */
  deliver(response: PublishPacket, then: () => void): void
  /** The service's own ends of connections through memory. A name can be taken by anybody, an object cannot. */
  serviceConnections: WeakSet<Connection>
}

type Hooks = Required<
  Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
>
type Done = (error?: Error | null) => void

export interface Rules extends Hooks {
  /** Whether a session may keep this subscription while its client is away. */
  mayKeep(client: Client, filter: string): boolean
}

export const MAX_CLIENT_ID_LENGTH = 128
/** Of one client, beyond one for each of its things: an exact request topic is a filter as well. */
const MAX_EXTRA_SUBSCRIPTIONS = 100
/** Return codes of a CONNACK (MQTT 3.1.1, 3.2.2.3). */
const IDENTIFIER_REJECTED = 2
const SERVER_UNAVAILABLE = 3
/** Also for a client that is no thing: who may not come in is not told which things there are. */
const BAD_CREDENTIALS = 4

export function createRules(options: RulesOptions): Rules {
  const { log, access, queues, subscribers, deliver, serviceClientId, serviceConnections } = options
  const warnOfPublish = createRareWarning(log, 'an MQTT client published what it may not, and was disconnected')
  const warnOfSubscribe = createRareWarning(log, 'an MQTT client was refused a subscription')
  const verdicts = new WeakMap<Client, Verdict>()
  const isService = (client: Client) => serviceConnections.has(client.conn)
  return { preConnect, authenticate, authorizePublish, authorizeSubscribe, authorizeForward, mayKeep }

  function preConnect(...[client, packet, callback]: Parameters<Hooks['preConnect']>) {
    if (isService(client) || !isPossibleId(packet.clientId)) return callback(null, true)
    // Before anything is touched that is kept under this id: a session that a stranger takes over is lost to its owner.
    const { clientId, password } = packet
    void access.admit(client, { clientId, password }).then((verdict) => {
      verdicts.set(client, verdict)
      // A stranger gets no session that outlives its connection, or it could fill our memory with them.
      if (verdict === 'stranger') packet.clean = true
      callback(null, true)
    })
  }

  function authenticate(...[client, , , callback]: Parameters<Hooks['authenticate']>): void {
    const code = connectRefusal(client)
    if (code === undefined) callback(null, true)
    else callback(Object.assign(new Error(`connection refused (${code})`), { returnCode: code }), false)
  }

  function connectRefusal(client: Client): number | undefined {
    if (isService(client)) return undefined
    // The second of two clients with one id throws off the first [MQTT-3.1.4-2].
    if (client.id === serviceClientId || !isPossibleId(client.id)) return IDENTIFIER_REJECTED
    const verdict = verdicts.get(client)
    if (verdict === 'member' || verdict === 'stranger') return undefined
    return verdict === 'unknown' ? SERVER_UNAVAILABLE : BAD_CREDENTIALS
  }

  function authorizePublish(client: Client | null, packet: PublishPacket, done: Done) {
    const refuse = () => {
      warnOfPublish({ clientId: client?.id, topic: packet.topic.slice(0, 256) })
      done(new Error('not allowed to publish this'))
    }
    if (!client) return refuse()
    if (isService(client)) return isOfService(packet.topic) ? done(null) : refuse()
    const topic = parseResponseTopic(packet.topic)
    if (!topic || packet.payload.length > MAX_MESSAGE_BYTES) return refuse()
    packet.retain = false
    access.withThings(client, (things) => {
      if (!things?.has(topic.thingId)) return refuse()
      if (packet.qos === 0) return done(null)
      // aedes sends the PUBACK after this, and routes after that: so it is routed here, and the device gets its PUBACK when
      // the response is committed (CONTRACT promise 7), or waits while the service is behind.
      queues.whenServiceHasRoom(() => deliver(packet, () => done(null)))
    })
  }

  function authorizeSubscribe(...[client, subscription, callback]: Parameters<Hooks['authorizeSubscribe']>) {
    const answer = (isAllowed: boolean) => {
      if (!isAllowed) warnOfSubscribe({ clientId: client.id, filter: subscription.topic.slice(0, 256) })
      else subscribers.add(client, subscription.topic)
      // Without a subscription aedes answers 128, failure (MQTT 3.1.1, 3.9.3).
      callback(null, isAllowed ? subscription : null)
    }
    if (isService(client)) return answer(subscription.topic === ALL_RESPONSES)
    access.withThings(client, (things) => answer(isOwnFilter(client, subscription, things)))
  }

  function isOwnFilter(client: Client, { topic }: Subscription, things: ReadonlySet<string> = new Set()): boolean {
    const thingId = thingOfRequestFilter(topic) ?? thingOfUpdatedFilter(topic)
    if (thingId === undefined || !things.has(thingId)) return false
    return subscribers.count(client) < things.size + MAX_EXTRA_SUBSCRIPTIONS
  }

  /** Also for what a session has kept: nothing is handed over after its TTL, or to a client that lost the thing. */
  function authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    if (isService(client)) return packet
    const requested = parseRequestTopic(packet.topic)
    const topic = requested ?? parseUpdatedTopic(packet.topic)
    if (!topic || !access.lastKnownThings(client).has(topic.thingId)) return null
    if (!requested) return packet
    const request = parseRequest(Buffer.from(packet.payload))
    return !request || isExpired(request, Date.now() / 1000) ? null : packet
  }

  function mayKeep(client: Client, filter: string): boolean {
    if (client.id === serviceClientId) return filter === ALL_RESPONSES
    const thingId = thingOfRequestFilter(filter)
    return thingId !== undefined && access.lastKnownThings(client).has(thingId)
  }
}

/** What only the service may publish. */
const isOfService = (topic: string): boolean => (parseRequestTopic(topic) ?? parseUpdatedTopic(topic)) !== undefined

/** Postgres stores no NUL, so nothing can be registered with one. */
const isPossibleId = (clientId: string): boolean => clientId.length <= MAX_CLIENT_ID_LENGTH && !clientId.includes('\0')
