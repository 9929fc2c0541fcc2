/** MQTT as the domain sees it: requests out, responses in, and news of other replicas, over an embedded or an external broker alike. */
import type { MqttClient } from 'mqtt'
import { ConfigError } from '../base/config.ts'
import type { Logger } from '../base/log.ts'
import type { Execution } from '../domain/execution.ts'
import type {
  ClientHandler,
  Following,
  Gateway,
  NewsHandler,
  OutgoingRequest,
  PublishOutcome,
  ResponseHandler,
} from '../domain/ports.ts'
import { requestTopic } from '../protocol/topics.ts'
import { createAnnouncer } from './announce.ts'
import { keepConnected } from './connect.ts'
import type { BrokerLink, EmbeddedLink } from './link.ts'
import { createListener } from './listen.ts'
import { createNews } from './news.ts'
import { createClientEvents } from './presence.ts'
import { type Outbox, openOutbox } from './publish.ts'
import { createSharing } from './sharing.ts'

export interface MqttGateway extends Gateway {
  /**
   * Connects, and hands over responses, and with `news` what other replicas announce, from then on. Resolves once requests
   * can be published, or as soon as the broker proves to be away or to refuse us, some seconds at most: it goes on trying
   * then, and `problem` tells. Rejects with a ConfigError only where the broker cannot do what MQTT_SHARED_GROUP asks for.
   */
  start(onResponses: ResponseHandler, news?: NewsHandler): Promise<void>
  /** Why it is not available, in a line for whoever runs the service; undefined while it is. */
  problem(): string | undefined
  /** How often the link came up. */
  connectionCount(): number
  /** Finishes the batch of responses that is on its way, and disconnects. The broker keeps our session and what comes meanwhile. */
  stop(): Promise<void>
}

export interface GatewayOptions {
  link: BrokerLink
  log: Logger
  /** Names the database that the replicas share; absent: nobody shares ours. */
  deployment?: string | undefined
  /** Where the replicas share the responses, the name of their group. */
  sharedGroup?: string | undefined
  /** Hears which clients come and go, where an external broker tells. */
  onClient?: ClientHandler
}

const NOT_FOLLOWED: Following = { ready: Promise.resolve(), stop() {} }

/** A gateway that is not connected yet: `start` wants the handler of responses, which in turn may want the gateway. */
export function createGateway({ link, log, deployment, sharedGroup, onClient }: GatewayOptions): MqttGateway {
  const self = { deployment: deployment ?? link.clientId, replica: link.clientId }
  const sharing = createSharing(sharedGroup, link.clientId)
  const news = createNews(self, log)
  const clientEvents = link.kind === 'external' && onClient ? createClientEvents(onClient, log) : undefined
  const listener = createListener(log, takeOther)
  const announceOn = createAnnouncer(self, log)
  const outboxes = new WeakMap<MqttClient, Outbox>()
  const connector = keepConnected({
    link,
    log,
    responses: sharing.responses,
    prepare,
    check: sharing.prove,
    isHoldingBack: listener.isHoldingBack,
    onReady,
  })
  let hasReplicas = false
  return {
    start,
    isAvailable: () => connector.current() !== undefined,
    publishRequest,
    announce,
    follow: (scope) => (hasReplicas ? news.follow(scope) : NOT_FOLLOWED),
    problem: connector.problem,
    connectionCount: connector.connectionCount,
    waitingResponses: listener.waitingCount,
    stop,
  }

  function takeOther(topic: string, payload: Buffer): boolean {
    return news.take(topic, payload) || sharing.takeCanary(topic) || clientEvents?.take(topic, payload) === true
  }

  function onReady(client: MqttClient): void {
    news.resume(client)
    clientEvents?.resume(client)
  }

  function prepare(client: MqttClient): void {
    listener.listen(client)
    const onSilence = () => connector.cut(client, 'the broker did not confirm a request in time')
    outboxes.set(client, openOutbox(client, onSilence))
  }

  async function start(onResponses: ResponseHandler, handler?: NewsHandler): Promise<void> {
    // Whoever shares our database does not share the broker in our process.
    if (handler && link.kind === 'external') {
      hasReplicas = true
      news.start(handler)
    }
    listener.start(onResponses)
    await connector.start()
    if (!sharing.isRefuted()) return
    const problem = connector.problem()
    await stop()
    throw new ConfigError(problem ?? 'MQTT_SHARED_GROUP: the broker does not share the responses')
  }

  function publishRequest(request: OutgoingRequest): Promise<PublishOutcome> {
    const outbox = currentOutbox()
    if (!outbox)
      return Promise.resolve({ kind: 'unconfirmed', why: connector.problem() ?? 'not connected to the broker' })
    return link.kind === 'embedded' ? publishAndAsk(outbox, link, request) : outbox.publish(request)
  }

  function announce(executions: readonly Execution[]): void {
    const client = connector.current()
    // Of the broker in our own process we know whether anybody wants them.
    if (!client || (link.kind === 'embedded' && !link.hasFollowers())) return
    announceOn(client, executions)
  }

  function currentOutbox(): Outbox | undefined {
    const client = connector.current()
    return client && outboxes.get(client)
  }

  async function stop(): Promise<void> {
    await listener.stop()
    await news.stop()
    currentOutbox()?.close('the service stopped before the broker confirmed the request')
    await connector.stop()
  }
}

async function publishAndAsk(outbox: Outbox, { hasSubscriber }: EmbeddedLink, request: OutgoingRequest) {
  // It is a hint: where the broker cannot tell, the command takes its usual course.
  const isHeard = hasSubscriber(requestTopic(request)).catch(() => true)
  const outcome = await outbox.publish(request)
  return outcome.kind === 'confirmed' ? { ...outcome, hasSubscriber: await isHeard } : outcome
}
