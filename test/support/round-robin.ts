/** A load balancer in front of several replicas: each HTTP request and each WebSocket goes to the next one. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface Balancer {
  url: string
  stop(): Promise<void>
}

export async function startRoundRobin(targets: readonly string[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let turn = 0
  const next = () => new URL(targets[turn++ % targets.length] ?? '')

  const server = createServer((incoming, outgoing) => forward(next(), incoming, outgoing))
  server.on('upgrade', (incoming, near: Socket, head) => tunnel(next(), incoming, near, head))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function forward({ hostname, port }: URL, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url, headers } = incoming
  const passed = request({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    // A stream has headers long before it has a first event.
    outgoing.flushHeaders()
    answer.on('error', () => outgoing.destroy())
    answer.pipe(outgoing)
  })
  passed.on('error', () => outgoing.destroy())
  outgoing.on('close', () => passed.destroy())
  incoming.pipe(passed)
}

/** The handshake as it came, then bytes both ways. */
function tunnel({ hostname, port }: URL, incoming: IncomingMessage, near: Socket, head: Buffer): void {
  const far = connect(Number(port), hostname)
  far.setNoDelay(true)
  const headers = incoming.rawHeaders.flatMap((name, at, all) => (at % 2 === 0 ? `${name}: ${all[at + 1]}` : []))
  far.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
  far.write(head)
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on('error', () => {})
    from.on('close', () => to.destroy())
    from.pipe(to)
  }
}
