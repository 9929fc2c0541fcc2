/** Publishes requests on one connection, each until its PUBACK, its deadline or the end of the connection. */
import type { MqttClient } from 'mqtt'
import type { OutgoingRequest, PublishOutcome } from '../domain/ports.ts'
import { encodeRequest } from '../protocol/messages.ts'
import { requestTopic, responseTopic } from '../protocol/topics.ts'
import { encodePublish, type PublishProperties } from './packets.ts'

export interface Outbox {
  publish(request: OutgoingRequest): Promise<PublishOutcome>
  /** Withdraws what is unconfirmed: nothing of it is sent later. */
  close(why: string): void
}

interface Delivery {
  request: OutgoingRequest
  topic: string
  payload: string
  /** On the clock of performance.now(). */
  expiresAt: number
  messageId: number | undefined
  deadline: NodeJS.Timeout | undefined
  resolve: (outcome: PublishOutcome) => void
}

const PUBACK_DEADLINE_MS = 10_000
/** Ours, where the broker names no Receive Maximum. */
const MAX_IN_FLIGHT = 1000
const NO_MATCHING_SUBSCRIBERS = 16

/** `onSilence` is called when a request that was sent got no PUBACK in time: the link is dead then, whatever TCP says. */
export function openOutbox(client: MqttClient, onSilence: () => void): Outbox {
  const waiting = new Set<Delivery>()
  const inFlight = new Map<number, Delivery>()
  let closedWhy: string | undefined

  // mqtt.js hides reason 16 from the callback of publish(), so we read the PUBACK ourselves.
  client.on('packetreceive', (packet) => {
    if (packet.cmd !== 'puback' || packet.messageId === undefined) return
    const delivery = inFlight.get(packet.messageId)
    if (delivery) settle(delivery, outcomeOf(packet.reasonCode ?? 0))
  })
  client.on('close', () => close('the connection to the broker was lost before it confirmed the request'))
  return { publish, close }

  function publish(request: OutgoingRequest): Promise<PublishOutcome> {
    const topic = requestTopic(request)
    const payload = encodeRequest(request.message)
    const expiresAt = performance.now() + request.ttlLeftMs
    return new Promise((resolve) => {
      const delivery: Delivery = {
        request,
        topic,
        payload,
        expiresAt,
        messageId: undefined,
        deadline: undefined,
        resolve,
      }
      if (closedWhy !== undefined) return settle(delivery, unconfirmed(closedWhy))
      delivery.deadline = setTimeout(onDeadline, Math.min(request.ttlLeftMs, PUBACK_DEADLINE_MS), delivery)
      waiting.add(delivery)
      sendWaiting()
    })
  }

  /** After what has arrived by then is read: on a busy machine a timer comes first, and the PUBACK may be there. */
  function onDeadline(delivery: Delivery): void {
    setImmediate(giveUp, delivery)
  }

  function settle(delivery: Delivery, outcome: PublishOutcome): void {
    clearTimeout(delivery.deadline)
    waiting.delete(delivery)
    if (delivery.messageId !== undefined) inFlight.delete(delivery.messageId)
    delivery.resolve(outcome)
    if (closedWhy === undefined) sendWaiting()
  }

  /** The broker's Receive Maximum may not be exceeded (MQTT 5, 3.3.4): the rest waits here, where it can be withdrawn. */
  function sendWaiting() {
    // Disconnected, mqtt.js would queue it and say nothing.
    if (!client.connected || client.disconnecting) return close('not connected to the broker')
    for (const delivery of waiting) {
      if (inFlight.size >= Math.min(client.serverProperties?.receiveMaximum ?? MAX_IN_FLIGHT, MAX_IN_FLIGHT)) return
      waiting.delete(delivery)
      send(delivery)
    }
  }

  function send(delivery: Delivery): void {
    if (delivery.expiresAt <= performance.now())
      return settle(delivery, unconfirmed('its TTL passed before it could be sent'))
    delivery.messageId = freeMessageId()
    inFlight.set(delivery.messageId, delivery)
    // Past mqtt.js, whose store of unconfirmed publishes sends them again after a reconnect, however old.
    const { topic, payload, messageId } = delivery
    const properties = propertiesOf(delivery)
    client.stream.write(encodePublish(client.options.protocolVersion, { topic, payload, messageId, properties }))
  }

  /** Of those of mqtt.js, which counts round and does not know which of ours are in use. */
  function freeMessageId(): number {
    let messageId = client.messageIdProvider.allocate()
    while (messageId === null || inFlight.has(messageId)) messageId = client.messageIdProvider.allocate()
    return messageId
  }

  function giveUp(delivery: Delivery): void {
    const wasSent = delivery.messageId !== undefined && inFlight.get(delivery.messageId) === delivery
    if (!wasSent && !waiting.has(delivery)) return
    withdraw(delivery, 'the broker did not confirm the request in time')
    if (wasSent) onSilence()
  }

  function close(why: string): void {
    if (closedWhy !== undefined) return
    closedWhy = why
    for (const delivery of [...waiting, ...inFlight.values()]) withdraw(delivery, why)
  }

  function withdraw(delivery: Delivery, why: string): void {
    settle(delivery, unconfirmed(why))
  }
}

const propertiesOf = ({ request, expiresAt }: Delivery): PublishProperties => ({
  messageExpiryInterval: Math.max(1, Math.floor((expiresAt - performance.now()) / 1000)),
  contentType: 'application/json',
  responseTopic: responseTopic(request),
  correlationData: request.executionId,
  userProperties: request.traceContext,
})

function outcomeOf(reasonCode: number): PublishOutcome {
  // Reasons from 128 on are refusals (MQTT 5, 3.4.2.1).
  if (reasonCode >= 128) return unconfirmed(`the broker refused the request (reason ${reasonCode})`)
  return { kind: 'confirmed', hasSubscriber: reasonCode !== NO_MATCHING_SUBSCRIBERS }
}

function unconfirmed(why: string): PublishOutcome {
  return { kind: 'unconfirmed', why }
}
