/** MQTT as the domain sees it: requests out, responses in, over an embedded or an external broker alike. */
import type { MqttClient } from 'mqtt'
import type { Logger } from '../base/log.ts'
import type { Gateway, OutgoingRequest, PublishOutcome, ResponseHandler } from '../domain/ports.ts'
import { requestTopic } from '../protocol/topics.ts'
import { keepConnected } from './connect.ts'
import type { BrokerLink } from './link.ts'
import { createListener } from './listen.ts'
import { type Outbox, openOutbox } from './publish.ts'

export interface MqttGateway extends Gateway {
  /**
   * Connects, and hands over responses from then on. Resolves once requests can be published, or as soon as the broker
   * proves to be away or to refuse us, 3 s at most: it goes on trying then, and `problem` tells. Never rejects.
   */
  start(onResponses: ResponseHandler): Promise<void>
  /** Why it is not available, in a line for whoever runs the service; undefined while it is. */
  problem(): string | undefined
  /** Finishes the batch of responses that is on its way, and disconnects. The broker keeps our session and what comes meanwhile. */
  stop(): Promise<void>
}

export interface GatewayOptions {
  link: BrokerLink
  log: Logger
}

/** A gateway that is not connected yet: `start` wants the handler of responses, which in turn may want the gateway. */
export function createGateway({ link, log }: GatewayOptions): MqttGateway {
  const listener = createListener(log)
  const outboxes = new WeakMap<MqttClient, Outbox>()
  const connector = keepConnected({ link, log, prepare })
  return {
    start,
    isAvailable: () => connector.current() !== undefined,
    publishRequest,
    problem: connector.problem,
    stop,
  }

  function prepare(client: MqttClient): void {
    listener.listen(client)
    const onSilence = () => connector.cut(client, 'the broker did not confirm a request in time')
    outboxes.set(client, openOutbox(client, onSilence))
  }

  async function start(onResponses: ResponseHandler): Promise<void> {
    listener.start(onResponses)
    await connector.start()
  }

  async function publishRequest(request: OutgoingRequest): Promise<PublishOutcome> {
    const outbox = currentOutbox()
    if (!outbox) return { kind: 'unconfirmed', why: connector.problem() ?? 'not connected to the broker' }
    const isHeard = link.kind === 'embedded' ? askForSubscriber(link.hasSubscriber, request) : undefined
    const outcome = await outbox.publish(request)
    if (outcome.kind === 'unconfirmed' || !isHeard) return outcome
    return { kind: 'confirmed', hasSubscriber: await isHeard }
  }

  function currentOutbox(): Outbox | undefined {
    const client = connector.current()
    return client && outboxes.get(client)
  }

  async function stop(): Promise<void> {
    await listener.stop()
    currentOutbox()?.close('the service stopped before the broker confirmed the request')
    await connector.stop()
  }
}

async function askForSubscriber(hasSubscriber: (topic: string) => Promise<boolean>, request: OutgoingRequest) {
  // It is a hint: where the broker cannot tell, the command takes its usual course.
  return hasSubscriber(requestTopic(request)).catch(() => true)
}
