/** Operations over one graphql-transport-ws socket, with no more of the protocol than a well-behaved server needs. */
import WebSocket from 'ws'

export interface GraphQLSocket {
  /** `onNext` gets the result of a query or mutation, or each of a subscription. */
  operate(payload: { query: string; variables?: unknown }, onNext: (result: GraphQLResult) => void): number
  complete(id: number): void
  close(): void
}

export interface GraphQLResult {
  data?: unknown
  errors?: readonly { message: string }[]
}

interface ServerMessage {
  type: string
  id?: string
  payload?: unknown
}

export async function openGraphQLSocket(url: string): Promise<GraphQLSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', { perMessageDeflate: false })
  const listeners = new Map<number, (result: GraphQLResult) => void>()
  let operations = 0
  await new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ServerMessage
      if (message.type === 'connection_ack') resolve()
      else receive(socket, listeners, message)
    })
    socket.on('open', () => socket.send('{"type":"connection_init"}'))
    socket.on('error', reject)
    socket.on('close', () => {
      const closed = { errors: [{ message: 'the socket was closed' }] }
      for (const onNext of listeners.values()) onNext(closed)
    })
  })
  return {
    operate(payload, onNext) {
      operations += 1
      listeners.set(operations, onNext)
      socket.send(JSON.stringify({ id: String(operations), type: 'subscribe', payload }))
      return operations
    },
    complete(id) {
      listeners.delete(id)
      socket.send(JSON.stringify({ id: String(id), type: 'complete' }))
    },
    close() {
      listeners.clear()
      socket.close()
    },
  }
}

function receive(
  socket: WebSocket,
  listeners: Map<number, (result: GraphQLResult) => void>,
  { type, id, payload }: ServerMessage,
): void {
  const onNext = listeners.get(Number(id))
  if (type === 'next') onNext?.(payload as GraphQLResult)
  else if (type === 'error') onNext?.({ errors: payload as { message: string }[] })
  else if (type === 'ping') socket.send('{"type":"pong"}')
  if (type === 'complete' || type === 'error') listeners.delete(Number(id))
}
