/** A wire between the service and an engine, to be cut, silenced and restored. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface Wire {
  port: number
  /** Every chunk that a client sent through it. */
  onSent(listener: (chunk: Buffer) => void): void
  /** The same URL, through this wire. */
  urlOf(url: string): string
  /** Ends every connection, and refuses new ones. */
  cut(): Promise<void>
  /** Every connection stays open and carries nothing: what is sent is swallowed. New ones are accepted and stay silent. */
  silence(): void
  /** Accepts every connection and hangs up at once, like a load balancer with nothing behind it. */
  hangUp(): void
  /** Carries again. Connections that were silenced end: what they swallowed is gone. */
  restore(): Promise<void>
  stop(): Promise<void>
}

type Mode = 'open' | 'silent' | 'hanging up'

/** Starts a wire to the host and port of a URL. */
export async function startProxy(target: string): Promise<Wire> {
  const { hostname, port: targetPort } = new URL(target)
  const sockets = new Set<Socket>()
  let tell: (chunk: Buffer) => void = () => {}
  let mode: Mode = 'open'
  let server = await listen(0)
  const { port } = server.address() as AddressInfo

  async function listen(wanted: number): Promise<Server> {
    const listening = createServer(join).listen(wanted, '127.0.0.1')
    await once(listening, 'listening')
    return listening
  }

  function join(near: Socket): void {
    if (mode === 'hanging up') {
      near.on('error', () => {})
      near.resume().end()
      return
    }
    const far = connect(Number(targetPort), hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('error', () => {})
      from.on('data', (chunk) => {
        if (from === near) tell(chunk)
        if (mode !== 'silent') to.write(chunk)
      })
      from.on('close', () => {
        sockets.delete(from)
        if (mode !== 'silent') to.destroy()
      })
    }
  }

  function endAll(): void {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }

  async function cut(): Promise<void> {
    mode = 'open'
    const closed = server.listening ? once(server, 'close') : undefined
    server.close()
    endAll()
    await closed
  }

  return {
    port,
    onSent: (listener) => {
      tell = listener
    },
    urlOf: (url) => {
      const through = new URL(url)
      through.hostname = '127.0.0.1'
      through.port = String(port)
      return through.href
    },
    cut,
    silence: () => {
      mode = 'silent'
    },
    hangUp: () => {
      mode = 'hanging up'
      endAll()
    },
    restore: async () => {
      if (mode !== 'open') endAll()
      mode = 'open'
      if (!server.listening) server = await listen(port)
    },
    stop: cut,
  }
}
