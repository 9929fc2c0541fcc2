/** A wire to a broker that understands what goes over it: packets can be watched, changed, held back and swallowed. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'

export type Direction = 'to the broker' | 'to the client'

/** What goes on in place of the packet: it, another, or nothing. */
export type Alter = (packet: Packet, direction: Direction) => Packet | undefined

export interface MqttProxy {
  url: string
  alter: Alter
  /** Ends every connection, and lets no other in until it is restored. */
  cut(): void
  restore(): void
  stop(): Promise<void>
}

export async function startMqttProxy(target: string, alter: Alter = (packet) => packet): Promise<MqttProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) return near.destroy()
    const far = connect(Number(port), hostname)
    join(near, far)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  function join(near: Socket, far: Socket): void {
    let protocolVersion = 4
    let toClient: ReturnType<typeof parser> | undefined
    const pass = (packet: Packet, direction: Direction, to: Socket) => {
      const altered = proxy.alter(packet, direction)
      if (altered && !to.destroyed) to.write(generate(altered, { protocolVersion }))
    }
    const toBroker = parser()
    toBroker.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') protocolVersion = packet.protocolVersion ?? 4
      pass(packet, 'to the broker', far)
    })
    near.on('data', (chunk) => toBroker.parse(chunk))
    far.on('data', (chunk) => {
      // Which version the broker's packets are of, the client's first one says.
      toClient ??= parser({ protocolVersion }).on('packet', (packet: Packet) => pass(packet, 'to the client', near))
      toClient.parse(chunk)
    })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
  }

  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  const proxy: MqttProxy = {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    alter,
    cut,
    restore: () => {
      isCut = false
    },
    stop: async () => {
      cut()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
  return proxy
}

export const isUpdate = (packet: Packet): boolean => packet.cmd === 'publish' && packet.topic.endsWith('/updated')
