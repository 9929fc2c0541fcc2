/**
 * What waits for the persistent sessions of the embedded broker. It takes the place of the queues of aedes-persistence,
 * which grow without limit, keep what has expired, and are searched from the start for each PUBACK.
 */
import { Readable } from 'node:stream'
import { parseRequest } from '../protocol/messages.ts'

/** A packet of aedes, as far as the queues look at it. `brokerCounter` names a message within one broker. */
export interface QueuedPacket {
  cmd: string
  brokerCounter?: number
  messageId?: number | undefined
  payload?: string | Buffer
  dup?: boolean
}

export interface SessionRef {
  clientId: string
}

export interface ClientRef {
  id: string
}

/** The part of aedes-persistence that keeps messages on their way to clients, with its names. */
export interface OutgoingStore {
  outgoingEnqueue(session: SessionRef, packet: QueuedPacket): Promise<void>
  outgoingEnqueueCombi(sessions: SessionRef[], packet: QueuedPacket): Promise<void>
  outgoingUpdate(client: ClientRef, packet: QueuedPacket): Promise<void>
  outgoingClearMessageId(client: ClientRef, packet: QueuedPacket): Promise<QueuedPacket | undefined>
  outgoingStream(client: ClientRef): Readable
}

export interface SessionQueues {
  store: OutgoingStore
  /** Calls back at once, or when fewer than `RESPONSES_IN_FLIGHT` responses wait for the service. */
  whenServiceHasRoom(then: () => void): void
  /** Calls back when the service has acknowledged the message with this very payload. */
  whenServiceTook(payload: Buffer, then: () => void): void
}

interface Waiting {
  packet: QueuedPacket
  /** Unix time in seconds, of a request; a response does not expire. Undefined until somebody asks: few wait for so long. */
  expiresAt: number | undefined
}

interface Queue {
  /** By brokerCounter, oldest first. */
  waiting: Map<number, Waiting>
  /** The brokerCounter of each message that was sent, by its packet identifier. */
  sent: Map<number, number>
  /** Of the payloads. */
  bytes: number
}

/** As many as Mosquitto keeps by default. */
export const MAX_QUEUED_REQUESTS = 1000
/** MQTT 3.1.1 has no Receive Maximum, so devices are held back where the service is behind, such as without its database. */
export const RESPONSES_IN_FLIGHT = 1000
const MAX_QUEUED_REQUEST_BYTES = 4 * 1024 * 1024
/** Less than what stops the gateway from reading, so that its own connection never seems frozen to aedes. */
const RESPONSE_BYTES_IN_FLIGHT = 32 * 1024 * 1024

export function createSessionQueues(serviceClientId: string): SessionQueues {
  const queues = new Map<string, Queue>()
  const heldBack: (() => void)[] = []
  const untaken = new WeakMap<Buffer, () => void>()

  return {
    whenServiceHasRoom,
    whenServiceTook: (payload, then) => void untaken.set(payload, then),
    store: {
      outgoingEnqueue: async ({ clientId }, packet) => enqueue(clientId, packet),
      outgoingEnqueueCombi: async (sessions, packet) => {
        for (const { clientId } of sessions) enqueue(clientId, packet)
      },
      outgoingUpdate: async ({ id }, packet) => update(id, packet),
      outgoingClearMessageId: async ({ id }, packet) => remove(id, packet),
      outgoingStream: ({ id }) => Readable.from(takeUnsent(id)),
    },
  }

  function enqueue(clientId: string, packet: QueuedPacket): void {
    if (packet.brokerCounter === undefined) return
    const queue = queues.get(clientId) ?? { waiting: new Map(), sent: new Map(), bytes: 0 }
    queues.set(clientId, queue)
    if (clientId !== serviceClientId) {
      dropExpired(queue)
      if (queue.waiting.size >= MAX_QUEUED_REQUESTS || queue.bytes >= MAX_QUEUED_REQUEST_BYTES) return
    }
    // The duplicate flag is of the way to us, not of the way on [MQTT-3.3.1-3].
    const copy = { ...packet, messageId: undefined, dup: false }
    queue.waiting.set(packet.brokerCounter, { packet: copy, expiresAt: undefined })
    queue.bytes += sizeOf(copy)
  }

  /** The packet goes out under this identifier now, or is the PUBREL that follows it. A dropped one goes out unkept. */
  function update(clientId: string, packet: QueuedPacket): void {
    const queue = queues.get(clientId)
    const counter = queue && counterOf(queue, packet)
    const entry = counter === undefined ? undefined : queue?.waiting.get(counter)
    if (!queue || !entry || counter === undefined || packet.messageId === undefined) return
    if (packet.cmd === 'publish') entry.packet.messageId = packet.messageId
    else {
      queue.bytes -= sizeOf(entry.packet)
      entry.expiresAt ??= expiryOf(entry.packet)
      entry.packet = { ...packet, brokerCounter: counter }
    }
    queue.sent.set(packet.messageId, counter)
  }

  function remove(clientId: string, packet: QueuedPacket): QueuedPacket | undefined {
    const queue = queues.get(clientId)
    const counter = queue && counterOf(queue, packet)
    const entry = counter === undefined ? undefined : queue?.waiting.get(counter)
    if (!queue || !entry || counter === undefined) return undefined
    drop(queue, counter, entry)
    if (queue.waiting.size === 0) queues.delete(clientId)
    if (clientId === serviceClientId) serviceTook(entry.packet, queue.waiting.size)
    return entry.packet
  }

  function serviceTook({ payload }: QueuedPacket, left: number): void {
    if (payload instanceof Buffer) untaken.get(payload)?.()
    letIn(left === 0 ? RESPONSES_IN_FLIGHT : 1)
  }

  /** All for a client that connected. Sent ones are marked as duplicates [MQTT-3.3.1-1], and get fresh identifiers from aedes. */
  function takeUnsent(clientId: string): QueuedPacket[] {
    const queue = queues.get(clientId)
    if (!queue) return []
    dropExpired(queue)
    return [...queue.waiting.values()].map(({ packet }) => {
      if (packet.cmd !== 'publish' || packet.messageId === undefined) return packet
      queue.sent.delete(packet.messageId)
      packet.messageId = undefined
      packet.dup = true
      return packet
    })
  }

  function whenServiceHasRoom(then: () => void): void {
    if (hasRoom()) then()
    else heldBack.push(then)
  }

  /** One in for one out; all of them where none is left, since devices that are gone by now bring nothing in. */
  function letIn(count: number): void {
    for (const then of heldBack.splice(0, hasRoom() ? count : 0)) then()
  }

  function hasRoom(): boolean {
    const queue = queues.get(serviceClientId)
    return !queue || (queue.waiting.size < RESPONSES_IN_FLIGHT && queue.bytes < RESPONSE_BYTES_IN_FLIGHT)
  }
}

function counterOf(queue: Queue, { brokerCounter, messageId }: QueuedPacket): number | undefined {
  if (brokerCounter !== undefined && queue.waiting.has(brokerCounter)) return brokerCounter
  return messageId === undefined ? undefined : queue.sent.get(messageId)
}

function dropExpired(queue: Queue): void {
  const nowSeconds = Date.now() / 1000
  for (const [counter, entry] of queue.waiting) {
    entry.expiresAt ??= expiryOf(entry.packet)
    if (entry.expiresAt <= nowSeconds) drop(queue, counter, entry)
  }
}

function drop(queue: Queue, counter: number, { packet }: Waiting): void {
  queue.waiting.delete(counter)
  queue.bytes -= sizeOf(packet)
  if (packet.messageId !== undefined) queue.sent.delete(packet.messageId)
}

const sizeOf = ({ payload }: QueuedPacket): number => payload?.length ?? 0

function expiryOf({ payload }: QueuedPacket): number {
  const request = payload instanceof Buffer ? parseRequest(payload) : undefined
  return request ? request.timestamp + request.ttl : Number.POSITIVE_INFINITY
}
