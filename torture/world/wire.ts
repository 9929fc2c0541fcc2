/** A TCP proxy between two parts, to be cut, silenced and slowed. Scenarios have it in a process of its own (`wires.ts`). */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Scope } from '../../bench/processes/scope.ts'

export interface Wire {
  port: number
  /** The same URL, through this wire. */
  urlOf(url: string): string
  /** Ends every connection, and refuses new ones. */
  cut(): Promise<void>
  /** Every connection stays open and carries nothing, new ones too. */
  silence(): Promise<void>
  /** Each byte takes that long, both ways. */
  slow(latencyMs: number): Promise<void>
  /** Carries again, at once, and says since when (Unix time in milliseconds). Connections that were silenced end. */
  restore(): Promise<number>
}

export interface LocalWire extends Wire {
  /** How many pieces are on their way while it is slow. */
  underWay(): number
}

export const throughPort = (url: string, port: number): string =>
  Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href

/** A wire in this process. */
export async function startLocalWire(scope: Scope, target: string): Promise<LocalWire> {
  const { hostname, port: targetPort } = new URL(target)
  const sockets = new Set<Socket>()
  let silent = false
  let latencyMs = 0
  let underWayCount = 0
  let server = await listen(0)
  const { port } = server.address() as AddressInfo
  scope.defer(cut)

  async function listen(wanted: number): Promise<Server> {
    const listening = createServer(join).listen(wanted, '127.0.0.1')
    await once(listening, 'listening')
    return listening
  }

  function join(near: Socket): void {
    const far = connect(Number(targetPort), hostname)
    pipe(near, far)
    pipe(far, near)
  }

  function pipe(from: Socket, to: Socket): void {
    const carry = createLane()
    sockets.add(from)
    from.setNoDelay(true)
    // What is wrong shows in its end.
    from.on('error', () => {})
    from.on('data', (chunk) => carry(() => to.write(chunk)))
    from.on('close', () => {
      sockets.delete(from)
      carry(() => to.destroy())
    })
  }

  /** One direction. Whatever happens to the wire, bytes keep their order, as those of TCP do; silenced, even an end is not heard. */
  function createLane(): (act: () => unknown) => void {
    const underWay: { act: () => unknown; due: number }[] = []
    const arrive = () => {
      const first = underWay.shift()
      underWayCount -= 1
      if (!silent) first?.act()
      wait()
    }
    const wait = () => {
      const [next] = underWay
      if (next) setTimeout(arrive, Math.max(0, next.due - performance.now()))
    }
    return (act) => {
      if (silent) return
      if (latencyMs === 0 && underWay.length === 0) return void act()
      underWay.push({ act, due: performance.now() + latencyMs })
      underWayCount += 1
      if (underWay.length === 1) wait()
    }
  }

  async function cut(): Promise<void> {
    const closed = server.listening ? once(server, 'close') : undefined
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  return {
    port,
    urlOf: (url) => throughPort(url, port),
    cut,
    async silence() {
      silent = true
    },
    async slow(ms) {
      latencyMs = ms
    },
    underWay: () => underWayCount,
    async restore() {
      if (silent) for (const socket of sockets) socket.destroy()
      silent = false
      latencyMs = 0
      if (!server.listening) server = await listen(port)
      return Date.now()
    },
  }
}
