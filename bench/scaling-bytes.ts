/** Bytes of one command on each wire, counted by proxies between the parts; TCP and IP headers are not among them. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { parser } from 'mqtt-packet'
import type { Tally } from './load/closed-loop.ts'
import type { Scope } from './processes/scope.ts'
import { openLoad, openReplicas } from './scaling-stack.ts'
import type { Bench } from './variants/variant.ts'

/** Bytes and, where messages are told apart, their number, by what they are. */
export type Counts = Map<string, { bytes: number; messages: number }>

/** Looks at what passes in one direction of one connection. */
type Look = (data: Buffer) => void

type Looking = (wire: string) => (direction: string) => Look

export interface WireBytes {
  what: string
  bytes: number
  messages: number
}

/** For each command, at so many in flight. */
export async function measureBytes(bench: Bench, inFlight: number): Promise<WireBytes[]> {
  const counts: Counts = new Map()
  const { scope } = bench
  const stack = await openReplicas(bench, 1, {
    database: (url) => detour(scope, url, plainly(counts)('SQL')),
    serviceMqtt: (url) => detour(scope, url, byPacket(counts)('service and broker')),
    deviceMqtt: (url) => detour(scope, url, byPacket(counts)('device and broker')),
  })
  const url = await detour(scope, stack.services[0]?.url ?? '', byHttp(counts)('caller'))
  const load = await openLoad(scope, bench, url)
  await load.ask('start', inFlight)
  await delay(bench.options.warmUp * 1000)
  const before = copyOf(counts)
  await load.ask('begin')
  await delay(bench.options.seconds * 1000)
  const { completed } = await load.ask<Tally>('end')
  const after = copyOf(counts)
  await load.ask('stop')
  return [...after].map(([what, { bytes, messages }]) => ({
    what,
    bytes: (bytes - (before.get(what)?.bytes ?? 0)) / completed,
    messages: (messages - (before.get(what)?.messages ?? 0)) / completed,
  }))
}

const copyOf = (counts: Counts): Counts => new Map([...counts].map(([what, count]) => [what, { ...count }]))

function add(counts: Counts, what: string, bytes: number): void {
  const count = counts.get(what) ?? { bytes: 0, messages: 0 }
  counts.set(what, { bytes: count.bytes + bytes, messages: count.messages + 1 })
}

const plainly =
  (counts: Counts): Looking =>
  (wire) =>
  (direction) =>
  (data) =>
    add(counts, `${wire}, ${direction}`, data.length)

/** A connection that was upgraded is a subscriber's. */
const byHttp =
  (counts: Counts): Looking =>
  (wire) =>
  (direction) => {
    let kind = 'HTTP'
    return (data) => {
      if (/^GET |^HTTP\/1.1 101/.test(data.toString('latin1', 0, 16))) kind = 'WebSocket'
      add(counts, `${wire} ${kind}, ${direction}`, data.length)
    }
  }

const byPacket =
  (counts: Counts): Looking =>
  (wire) =>
  (direction) => {
    const packets = parser({ protocolVersion: 5 })
    packets.on('packet', (packet) => {
      const name = packet.cmd === 'publish' ? (packet.topic.split('/').at(-1) ?? '') : packet.cmd
      add(counts, `${wire} ${name}, ${direction}`, sizeOfPacket(packet.length ?? 0))
    })
    return (data) => void packets.parse(data)
  }

/** With its first byte and the one to four that tell its length (MQTT 5, 2.1.4). */
function sizeOfPacket(length: number): number {
  const lengthBytes = 1 + [128, 128 ** 2, 128 ** 3].filter((limit) => length >= limit).length
  return 1 + lengthBytes + length
}

/** A proxy in front of a URL; gives its own. */
async function detour(scope: Scope, url: string, look: (direction: string) => Look): Promise<string> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        for (const one of [client, upstream]) one.destroy()
      })
    }
    forward(client, upstream, look('up'))
    forward(upstream, client, look('down'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.defer(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const own = new URL(url)
  own.port = String((server.address() as AddressInfo).port)
  return own.href
}

function forward(from: Socket, to: Socket, look: Look): void {
  from.on('data', (data) => {
    look(data)
    to.write(data)
  })
}
