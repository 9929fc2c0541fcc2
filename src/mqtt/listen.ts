/** Takes what arrives to those whom it concerns: responses to the domain in batches, and each is acknowledged once it is committed. */
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import type { IPublishPacket, MqttClient } from 'mqtt'
import type { Logger } from '../base/log.ts'
import type { IncomingResponse, ResponseHandler, TraceContext } from '../domain/ports.ts'
import { RECEIVE_MAXIMUM } from './link.ts'
import { encodePuback } from './packets.ts'

export interface Listener {
  /** Listens on a client that has not connected yet. */
  listen(client: MqttClient): void
  /** Hands over what arrives from now on. */
  start(onResponses: ResponseHandler): void
  /** How many responses wait for their commit; those that a full queue holds back are not among them. */
  waitingCount(): number
  /** Whether so much waits that nothing further is read: neither what the broker answers to us. */
  isHoldingBack(): boolean
  /** Takes nothing more, and resolves when the batch on its way is settled and acknowledged. */
  stop(): Promise<void>
}

interface Arrival {
  client: MqttClient
  /** Of a QoS 1 message, which wants a PUBACK. */
  messageId: number | undefined
  /** Undefined for a message that is only acknowledged. */
  response: IncomingResponse | undefined
}

const MAX_BATCH = 500
/** Those of one connection, and those of the one before it that the broker may not have any more. */
const MAX_WAITING = 2 * RECEIVE_MAXIMUM
const MAX_WAITING_BYTES = 64 * 1024 * 1024
const MAX_TRACE_TEXT = 512
/** While the database is away: the pool, for which each try waits, connects no oftener than it may. */
const RETRY_MS = 100
/** Given to mqtt.js, it leaves out its own PUBACK, which would come before the commit. */
const NOT_COMMITTED_YET = new Error('acknowledged after the commit')

/** `takeOther` takes what is no response, at once, and says whether it did: then the message is only acknowledged. */
export function createListener(log: Logger, takeOther: (topic: string, payload: Buffer) => boolean): Listener {
  const waiting: Arrival[] = []
  /** What mqtt.js waits for us to take while too much is waiting: it reads no further meanwhile. */
  let heldBack: { arrival: Arrival; take: () => void }[] = []
  const stopping = new AbortController()
  /** How many of those that wait, the first ones, are on their way to the database. */
  let underWay = 0
  let waitingBytes = 0
  let retainedCount = 0
  let onResponses: ResponseHandler | undefined
  let working: Promise<void> | undefined

  return { listen, start, waitingCount: () => waiting.length, isHoldingBack: () => heldBack.length > 0, stop }

  function listen(client: MqttClient): void {
    client.once('connect', ({ sessionPresent }) => {
      if (sessionPresent) leaveToBroker(client)
    })
    client.handleMessage = (packet, done) => {
      if (stopping.signal.aborted) return done(NOT_COMMITTED_YET)
      const arrival = readArrival(client, packet)
      if (!arrival.response && arrival.messageId === undefined) return done()
      const take = () => {
        waiting.push(arrival)
        waitingBytes += sizeOf(arrival)
        done(NOT_COMMITTED_YET)
      }
      if (isFull()) heldBack.push({ arrival, take })
      else take()
      work()
    }
  }

  function start(handler: ResponseHandler): void {
    onResponses = handler
    work()
  }

  async function stop(): Promise<void> {
    stopping.abort()
    await working
  }

  function readArrival(client: MqttClient, packet: IPublishPacket): Arrival {
    const { topic, dup, retain } = packet
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    if (retain) {
      // Kept by the broker and replayed at each SUBSCRIBE: nobody knows what it was an answer to.
      retainedCount += 1
      log.debug({ topic, retainedCount }, 'a retained message is ignored')
    }
    const messageId = packet.qos > 0 ? packet.messageId : undefined
    const isResponse = !retain && !takeOther(topic, payload)
    if (!isResponse) return { client, messageId, response: undefined }
    return { client, messageId, response: { topic, payload, redelivered: dup, traceContext: traceContextOf(packet) } }
  }

  /**
   * What earlier connections brought and nobody acknowledged comes once more on this one [MQTT-4.4.0-1]. Kept, it would fill
   * the queue while the database is away, and what the broker answers to us would wait behind it. A broker that has lost
   * our session has lost these, too: then they stay.
   */
  function leaveToBroker(client: MqttClient): void {
    const comesAgain = (arrival: Arrival) => arrival.client !== client && arrival.messageId !== undefined
    for (const arrival of waiting.splice(underWay)) {
      if (comesAgain(arrival)) waitingBytes -= sizeOf(arrival)
      else waiting.push(arrival)
    }
    heldBack = heldBack.filter(({ arrival }) => !comesAgain(arrival))
    takeHeldBack()
  }

  function takeHeldBack(): void {
    while (heldBack.length > 0 && !isFull()) heldBack.shift()?.take()
  }

  function isFull(): boolean {
    return waiting.length >= MAX_WAITING || waitingBytes >= MAX_WAITING_BYTES
  }

  function work(): void {
    if (working || !onResponses) return
    working = settleWaiting(onResponses).finally(() => {
      working = undefined
    })
  }

  /** What arrives while a batch is on its way is the next batch: alone a response waits for nothing, in a rush they share a commit. */
  async function settleWaiting(handler: ResponseHandler): Promise<void> {
    while (waiting.length > 0 && !stopping.signal.aborted) {
      // After the input that came together with these has been read: it belongs to the same batch.
      await setImmediate()
      const batch = waiting.slice(0, MAX_BATCH)
      underWay = batch.length
      const responses = batch.flatMap(responseOf)
      if (responses.length > 0 && !(await handOver(handler, responses))) return
      waiting.splice(0, batch.length)
      underWay = 0
      for (const arrival of batch) waitingBytes -= sizeOf(arrival)
      // [MQTT-4.6.0-2] in the order in which they came.
      batch.forEach(acknowledge)
      takeHeldBack()
    }
  }

  /** Tries until it is committed; false where we were stopped before. The broker has not been told, and delivers it again. */
  async function handOver(handler: ResponseHandler, responses: IncomingResponse[]): Promise<boolean> {
    for (let failures = 0; ; failures++) {
      const failure = await failureOf(handler(responses))
      if (!failure) {
        if (failures > 0) log.info('responses are recorded again')
        return true
      }
      if (failures === 0) log.error({ err: failure }, 'responses cannot be recorded; they wait at the broker')
      await delay(RETRY_MS, undefined, stopping).catch(() => {})
      if (stopping.signal.aborted) return false
    }
  }
}

/** What a thing that traces says of its span; only what W3C allows in length is kept while the response waits. */
function traceContextOf({ properties }: IPublishPacket): TraceContext | undefined {
  const given = properties?.userProperties
  if (!given) return undefined
  const { traceparent, tracestate } = given
  if (!isShortText(traceparent)) return undefined
  return isShortText(tracestate) ? { traceparent, tracestate } : { traceparent }
}

/** A name that comes twice has a list of values. */
const isShortText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TRACE_TEXT

const failureOf = (work: Promise<void>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error ?? new Error('unknown failure'),
  )

/** Each client has one connection only, so a PUBACK cannot reach a later one, where the id means another message. */
function acknowledge({ client, messageId }: Arrival): void {
  if (messageId === undefined || !client.connected) return
  client.stream.write(encodePuback(messageId))
}

const responseOf = ({ response }: Arrival): IncomingResponse | [] => response ?? []

const sizeOf = ({ response }: Arrival): number => response?.payload.byteLength ?? 0
