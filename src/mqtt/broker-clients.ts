/** Who is connected to the embedded broker: what EMQX tells on its own topics. */
import type { Aedes, Client } from 'aedes'
import type { ClientHandler } from '../domain/ports.ts'

export interface ConnectedClients {
  has(clientId: string): boolean
  /** Disconnects the client with this id, if there is one. */
  dismiss(clientId: string): void
}

/** Tells of each client that comes and goes, except the service itself. */
export function followClients(aedes: Aedes, serviceClientId: string, onClient: ClientHandler): ConnectedClients {
  const connected = new Map<string, Client>()
  aedes.on('client', (client) => {
    if (client.id === serviceClientId) return
    connected.set(client.id, client)
    onClient({ clientId: client.id, online: true })
  })
  aedes.on('clientDisconnect', (client) => {
    // Its place may have been taken by another connection of the same client.
    if (connected.get(client.id) !== client) return
    connected.delete(client.id)
    onClient({ clientId: client.id, online: false })
  })
  return { has: (clientId) => connected.has(clientId), dismiss: (clientId) => connected.get(clientId)?.close() }
}
