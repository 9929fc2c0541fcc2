/** What the MQTT tests share: devices, brokers to kill, a wire to cut, and collectors of responses. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { vi } from 'vitest'
import type { IncomingResponse, OutgoingRequest } from '../../src/domain/ports.ts'
import { requestFilter, requestTopic, responseTopic } from '../../src/protocol/topics.ts'

export const MOSQUITTO_URL = process.env.MQTT_URL || undefined
export const hasMosquittoBinary = MOSQUITTO_URL !== undefined && spawnSync('mosquitto', ['-h']).error === undefined

if (!MOSQUITTO_URL) console.warn('MQTT_URL is not set: the tests on Mosquitto did NOT run')
else if (!hasMosquittoBinary) console.warn('no mosquitto binary: the tests that restart a Mosquitto did NOT run')

export interface LogLine {
  level: number
  msg: string
  problem?: string
}

/** A logger that keeps its lines. */
export function createTestLog() {
  const lines: LogLine[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return { log: pino({ level: 'debug' }, stream), lines }
}

export const until = <T>(check: () => T, timeout = 8000): Promise<T> => vi.waitFor(check, { timeout, interval: 10 })

/** A name that no other test run uses, since a shared broker keeps sessions. */
export const newName = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 8)}`

export function newRequest(thingId: string, ttl = 30): OutgoingRequest {
  const timestamp = Date.now() / 1000
  const message = { commandId: randomUUID(), action: 'setTemperature', params: { value: 24 }, timestamp, ttl }
  return { thingId, executionId: randomUUID(), message, ttlLeftMs: ttl * 1000 }
}

/** Keeps the responses of one thing only: a shared broker has others. */
export function collectResponses(isMine: (response: IncomingResponse) => boolean = () => true) {
  const all: IncomingResponse[] = []
  return {
    all,
    texts: () => all.map(({ payload }) => Buffer.from(payload).toString()),
    handler: async (responses: IncomingResponse[]) => {
      all.push(...responses.filter(isMine))
    },
  }
}

export interface Device {
  client: MqttClient
  received: IPublishPacket[]
  respond(executionId: string, payload: string, options?: { qos?: 0 | 1; retain?: boolean }): Promise<unknown>
  /** Does not wait for the PUBACK, which the embedded broker sends when the service has committed the response. */
  post(executionId: string, payload: string): void
}

/** A device that keeps what it receives, subscribed to its requests. */
export async function connectDevice(url: string, thingId: string, options: IClientOptions = {}): Promise<Device> {
  const received: IPublishPacket[] = []
  const client = await connectClient(url, { clientId: thingId, ...options }, (packet) => received.push(packet))
  await client.subscribeAsync(requestFilter(thingId), { qos: 1 })
  const respond: Device['respond'] = (executionId, payload, { qos = 1, retain = false } = {}) =>
    client.publishAsync(responseTopic({ thingId, executionId }), payload, { qos, retain })
  const post: Device['post'] = (executionId, payload) => {
    client.publish(responseTopic({ thingId, executionId }), payload, { qos: 1 }, () => {})
  }
  return { client, received, respond, post }
}

/** Its handlers are there before it connects, since what waits in its session comes at once. Rejects where it is refused. */
export async function connectClient(
  url: string,
  options: IClientOptions,
  onPacket: (packet: IPublishPacket) => void = () => {},
): Promise<MqttClient> {
  const client = connect(url, { reconnectPeriod: 0, protocolVersion: 4, manualConnect: true, ...options })
  client.on('message', (_topic, _payload, packet) => onPacket(packet))
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.on('error', reject)
    client.once('close', () => reject(new Error('closed')))
    client.connect()
    if (client.stream instanceof Socket) client.stream.setNoDelay(true)
  })
  return client
}

/** Ends the session of a gateway that is stopped: on a shared broker it would collect everybody's responses for a day. */
export async function forgetSession(url: string, clientId: string): Promise<void> {
  const client = await connectClient(url, { clientId, clean: true, protocolVersion: 5 })
  await client.endAsync()
}

/** Whether the broker had a session for this client. */
export async function hasSession(url: string, clientId: string): Promise<boolean> {
  const client = connect(url, { clientId, clean: false, reconnectPeriod: 0, protocolVersion: 4, manualConnect: true })
  const isPresent = new Promise<boolean>((resolve) =>
    client.once('connect', ({ sessionPresent }) => resolve(sessionPresent)),
  )
  client.connect()
  const answer = await isPresent
  await client.endAsync()
  return answer
}

export const closing = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    client.once('close', () => resolve())
  })

/** Answers each request of the device with its executionId as the result. */
export function answerAll(device: Device): void {
  device.client.on('message', (topic) => {
    const executionId = topic.split('/')[5] ?? ''
    const answer = JSON.stringify({ status: 'SUCCEEDED', result: executionId })
    // A test may be over before the broker has confirmed the last answer.
    device.respond(executionId, answer).catch(() => {})
  })
}

export const topicOf = (request: OutgoingRequest): string => requestTopic(request)

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A wire to a port that can go silent in the direction to the broker, and be cut. */
export async function startWire(targetPort: number) {
  const sockets = new Set<Socket>()
  const state = { isSilent: false, swallowed: 0 }
  const server = createServer((near) => {
    const far = connectTcp(targetPort, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (chunk) => {
      if (state.isSilent) state.swallowed += chunk.length
      else far.write(chunk)
    })
    far.on('data', (chunk) => near.write(chunk))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    state,
    cut,
    /** Takes nothing any more, so that what is sent piles up where it comes from. */
    pause: () => {
      for (const socket of sockets) socket.pause()
    },
    stop: () => {
      cut()
      server.close()
    },
  }
}

/** A Mosquitto of the test's own, with these lines in its configuration. */
export async function startMosquitto(port: number, lines: string[] = ['allow_anonymous true'], aclLines?: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-mosquitto-'))
  const acl = join(folder, 'acl')
  if (aclLines) writeFileSync(acl, `${aclLines.join('\n')}\n`)
  const config = join(folder, 'mosquitto.conf')
  const access = aclLines ? [`acl_file ${acl}`] : []
  writeFileSync(config, [`listener ${port} 127.0.0.1`, 'user root', ...lines, ...access, ''].join('\n'))
  const child: ChildProcess = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
  await until(() => probe(port))
  return {
    stop: async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

async function probe(port: number): Promise<void> {
  const socket = connectTcp(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
