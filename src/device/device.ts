/**
 * The reference device: what PROTOCOL.md asks of a device, for the CLI, the demo and the tests.
 * The way of one request: takeRequest → actOn → sendAnswer.
 */
import type { Duplex } from 'node:stream'
import { parseRequest } from '../protocol/messages.ts'
import { parseRequestTopic, requestFilter, responseTopic } from '../protocol/topics.ts'
import type { Act, DeviceRequest, EncodedAnswer, Memory } from './behaviour.ts'
import { createMemory, encodeAnswer, judgeRequest, runAct } from './behaviour.ts'
import { type Connection, type ConnectionHandlers, openConnection } from './connection.ts'
import { type DeviceEvent, type DeviceNews, tellOutagesOnce } from './events.ts'
import { describeRefusal, responseRefusal } from './refusal.ts'
import { type SimulationOptions, simulateThermostat } from './simulation.ts'

export type { Act, DeviceRequest, DeviceResponse } from './behaviour.ts'
export { type DeviceEvent, formatDeviceEvent } from './events.ts'

export interface DeviceOptions extends SimulationOptions {
  thingId: string
  /** The broker: mqtt, mqtts, ws or wss; or what opens a stream to a broker in this process. */
  url: string | (() => Duplex)
  /** Default: the thing's id. */
  clientId?: string
  /** Default, with a password: the thing's id. MQTT 3.1.1 has no password without a user name [MQTT-3.1.2-22]. */
  username?: string
  /** The secret of the thing, if it has one. */
  password?: string
  /** With mqtts or wss, in PEM: the CA of the broker; a certificate and its key for a broker that asks for one. */
  ca?: string
  cert?: string
  key?: string
  /** Decides every answer. Default: a simulated thermostat, with the latency and the rates given here. */
  act?: Act
  onEvent?: (event: DeviceEvent) => void
  /** Milliseconds from a lost link to the next try. */
  reconnectMs?: number
  /** Stops the device, also while it still looks for its broker. */
  signal?: AbortSignal
}

export interface Device {
  readonly thingId: string
  /** Drops what it is acting on, sends what it has answered, disconnects. Its session stays with the broker. */
  stop(): Promise<void>
}

/** What the steps of one running device share. */
interface Running {
  thingId: string
  act: Act
  memory: Memory
  stopping: AbortController
  tell(news: DeviceNews): void
}

const DEFAULT_RECONNECT_MS = 1000
const BROKER_PROTOCOLS = ['mqtt:', 'mqtts:', 'ws:', 'wss:']

/**
 * Starts a device; resolves once it is subscribed. Rejects where the broker refuses it, or an option cannot be used.
 * A broker that is away is waited for. After the first subscription a refusal is only told, and tried again.
 */
export async function startDevice(options: DeviceOptions): Promise<Device> {
  checkUrl(options.url)
  options.signal?.throwIfAborted()
  const running: Running = {
    thingId: options.thingId,
    act: options.act ?? simulateThermostat(options).act,
    memory: createMemory(),
    stopping: new AbortController(),
    tell: tellOutagesOnce(options.thingId, options.onEvent),
  }
  return await connect(running, options)
}

function connect(running: Running, options: DeviceOptions): Promise<Device> {
  const { thingId, url, clientId = thingId, reconnectMs = DEFAULT_RECONNECT_MS, signal } = options
  const filter = requestFilter(thingId)
  const username = options.username ?? (options.password === undefined ? undefined : thingId)
  return new Promise((resolve, reject) => {
    const connection = openConnection(
      { ...options, clientId, username, reconnectMs, filter },
      {
        ...tellLink(running, describeBroker(url), clientId, () => resolve({ thingId, stop }), giveUp),
        onMessage: (topic, payload) => void takeRequest(running, connection, topic, payload),
      },
    )
    signal?.addEventListener('abort', () => giveUp(signal.reason), { once: true, signal: running.stopping.signal })

    function stop(): Promise<void> {
      running.stopping.abort()
      return connection.close()
    }

    function giveUp(error: unknown): void {
      void stop()
      reject(error)
    }
  })
}

/** Tells of the link's ups and downs. A refusal ends a device that never got in; one that did keeps trying. */
function tellLink(
  { tell }: Running,
  broker: string,
  clientId: string,
  onStarted: () => void,
  giveUp: (error: Error) => void,
): Pick<ConnectionHandlers, 'onReady' | 'onLost' | 'onRefused'> {
  let started = false
  return {
    onReady(link) {
      started = true
      tell({ kind: 'connected', broker, clientId, ...link })
      onStarted()
    },
    onLost: (why) => tell({ kind: 'disconnected', broker, why }),
    onRefused(refusal) {
      tell({ kind: 'refused', ...refusal })
      if (!started) giveUp(new Error(describeRefusal(refusal)))
    },
  }
}

async function takeRequest(running: Running, connection: Connection, topic: string, payload: Uint8Array) {
  const { thingId, memory, stopping, tell } = running
  if (stopping.signal.aborted) return
  const request = readRequest(thingId, topic, payload)
  if (!request) return tell({ kind: 'error', message: `ignored what is not a request to ${thingId}, on ${topic}` })
  const takenAt = Date.now()
  const { executionId, action, params } = request
  const verdict = judgeRequest(request, memory, takenAt / 1000)
  if (verdict.kind === 'expired') return tell({ ...verdict, executionId, action })
  if (verdict.kind === 'act') {
    tell({ kind: 'request', executionId, action, params, secondsLeft: verdict.secondsLeft })
    const answer = await actOn(running, request)
    if (answer) await sendAnswer(running, connection, request, answer, { takenAt, fromMemory: false })
    return
  }
  const { remembered } = verdict
  tell({ kind: 'repeated', executionId, action, remembered: remembered.kind })
  if (remembered.kind !== 'answered') return
  await sendAnswer(running, connection, request, remembered.answer, { takenAt, fromMemory: true })
}

function readRequest(thingId: string, topic: string, payload: Uint8Array): DeviceRequest | undefined {
  const names = parseRequestTopic(topic)
  const message = parseRequest(payload)
  return names && message && names.thingId === thingId ? { ...message, ...names } : undefined
}

/** Acts once and remembers the answer; none where the device stays silent or was stopped meanwhile. */
async function actOn(running: Running, request: DeviceRequest): Promise<EncodedAnswer | undefined> {
  const { act, memory, stopping, tell } = running
  const { executionId } = request
  memory.begin(executionId) // Before the first await: the same request may come again while we act.
  const response = await runAct(act, request, stopping.signal)
  if (stopping.signal.aborted) return undefined
  const answer = response === 'silent' ? response : encodeAnswer(response, Date.now() / 1000)
  memory.finish(executionId, answer)
  if (answer === 'silent') return undefined
  if (answer.problem !== undefined) tell({ kind: 'error', message: `the answer was not valid: ${answer.problem}` })
  return answer
}

async function sendAnswer(
  { stopping, tell }: Running,
  connection: Connection,
  request: DeviceRequest,
  { status, payload }: EncodedAnswer,
  { takenAt, fromMemory }: { takenAt: number; fromMemory: boolean },
): Promise<void> {
  const topic = responseTopic(request)
  const { executionId } = request
  try {
    await connection.publish(topic, payload)
    tell({ kind: 'answered', executionId, status, payload, fromMemory, tookMs: Date.now() - takenAt })
  } catch (error) {
    if (!stopping.signal.aborted) tell({ kind: 'refused', ...responseRefusal(error, topic) })
  }
}

function checkUrl(url: DeviceOptions['url']): void {
  if (typeof url !== 'string') return
  if (URL.canParse(url) && BROKER_PROTOCOLS.includes(new URL(url).protocol)) return
  throw new TypeError('broker URL: expected one such as mqtt://127.0.0.1:1883 (mqtt, mqtts, ws or wss)')
}

/** The broker for people: without the password that its URL may hold. */
function describeBroker(url: DeviceOptions['url']): string {
  if (typeof url !== 'string') return 'the broker in this process'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}
