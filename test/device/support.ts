import { randomUUID } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { Aedes, type AedesOptions } from 'aedes'
import mqtt, { type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { type Device, type DeviceEvent, type DeviceOptions, startDevice } from '../../src/device/device.ts'
import { encodeRequest, type RequestMessage } from '../../src/protocol/messages.ts'
import { requestTopic } from '../../src/protocol/topics.ts'

export interface Broker {
  url: string
  aedes: Aedes
  sockets: Set<Socket>
  stop(): Promise<void>
}

/** A broker that speaks MQTT 3.1.1 only, on a free port or the given one. */
export async function startBroker(options: AedesOptions = {}, port = 0): Promise<Broker> {
  const aedes = await Aedes.createBroker(options)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)))
    aedes.handle(socket)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= new Promise<void>((resolve) => {
      server.close(() => aedes.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
    })
    return stopped
  }
  onTestFinished(stop)
  return { url: `mqtt://127.0.0.1:${address.port}`, aedes, sockets, stop }
}

export interface Journal<T> {
  entries: T[]
  add(entry: T): void
  /** The first entry that matches, of those there are and those to come, beginning at `from`. */
  find(matches: (entry: T) => boolean, from?: number): Promise<T>
}

/** Everything that happened, in order, and what waits for more of it. */
export function createJournal<T>(): Journal<T> {
  const entries: T[] = []
  const waiting = new Set<(entry: T) => void>()
  return {
    entries,
    add(entry) {
      entries.push(entry)
      for (const look of [...waiting]) look(entry)
    },
    find(matches, from = 0) {
      const found = entries.slice(from).find(matches)
      if (found !== undefined) return Promise.resolve(found)
      return new Promise((resolve) => {
        const look = (entry: T) => {
          if (!matches(entry)) return
          waiting.delete(look)
          resolve(entry)
        }
        waiting.add(look)
      })
    },
  }
}

type EventOf<K extends DeviceEvent['kind']> = Extract<DeviceEvent, { kind: K }>

/** A journal of a device's events, and the one to wait for: the `count`-th of its kind. */
export function recordEvents() {
  const journal = createJournal<DeviceEvent>()
  const isKind =
    <K extends DeviceEvent['kind']>(kind: K) =>
    (event: DeviceEvent): event is EventOf<K> =>
      event.kind === kind
  const all = <K extends DeviceEvent['kind']>(kind: K): EventOf<K>[] => journal.entries.filter(isKind(kind))
  async function nth<K extends DeviceEvent['kind']>(kind: K, count = 1): Promise<EventOf<K>> {
    await journal.find((event) => event.kind === kind && all(kind).length >= count)
    const event = all(kind)[count - 1]
    if (!event) throw new Error(`expected ${count} events of kind ${kind}`)
    return event
  }
  return { onEvent: journal.add, all, nth, kinds: () => journal.entries.map(({ kind }) => kind) }
}

/** Starts a device that the end of the test stops. */
export async function runDevice(options: DeviceOptions): Promise<Device> {
  const device = await startDevice({ reconnectMs: 20, latencyMs: 0, ...options })
  onTestFinished(() => device.stop())
  return device
}

export interface Service {
  client: MqttClient
  answers: Journal<{ topic: string; payload: string; qos: number; retain: boolean }>
  /** Publishes a request and resolves with its executionId once the broker has it. */
  send(thingId: string, request?: Partial<RequestMessage> & { executionId?: string }): Promise<string>
}

/** Plays the service: publishes requests, hears every response. */
export async function playService(url: string, thingId: string): Promise<Service> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 20 })
  const answers: Service['answers'] = createJournal()
  client.on('message', (topic, payload, { qos, retain }) =>
    answers.add({ topic, payload: payload.toString(), qos, retain }),
  )
  await client.subscribeAsync(`$emqx/commands/things/${thingId}/executions/+/response`, { qos: 1 })
  onTestFinished(() => client.endAsync(true))
  return {
    client,
    answers,
    async send(to, { executionId = randomUUID(), ...request } = {}) {
      await client.publishAsync(requestTopic({ thingId: to, executionId }), encodeRequest(requestWith(request)), {
        qos: 1,
      })
      return executionId
    },
  }
}

export function requestWith(overrides: Partial<RequestMessage> = {}): RequestMessage {
  const timestamp = Math.floor(Date.now() / 1000)
  return { commandId: randomUUID(), action: 'setTemperature', params: { value: 24 }, timestamp, ttl: 30, ...overrides }
}

export const uniqueThing = (): string => `device-test-${randomUUID()}`
