/** A subscriber to every change, which reconnects with the last `updatedAt` it saw, and writes down what it is told. */
import WebSocket from 'ws'
import type { ExecutionStatus } from '../check/records.ts'
import type { Journal } from '../journal.ts'
import type { Replica } from '../world/replica.ts'

export interface Subscriber {
  /** Executions it was told of in a terminal status. */
  settled: ReadonlySet<string>
  /** Stops reading, and reads on. */
  freeze(): void
  thaw(): void
  stop(): void
}

interface Told {
  id: string
  status: ExecutionStatus
  updatedAt: string
}

interface Message {
  type: string
  payload?: { data?: { executionUpdated: Told } }
}

const QUERY = 'subscription ($since: DateTime) { executionUpdated(since: $since) { id status updatedAt } }'
const RECONNECT_MS = 200

/** Resolves once it is subscribed for the first time. */
export function startSubscriber(replica: Replica, journal: Journal): Promise<Subscriber> {
  const settled = new Set<string>()
  let since = new Date().toISOString()
  let stopped = false
  let socket: WebSocket | undefined
  return new Promise((resolve) => {
    connect()

    function connect(): void {
      if (stopped) return
      const opened = new WebSocket(`${replica.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
      socket = opened
      const say = (message: unknown) => opened.send(JSON.stringify(message))
      opened.on('open', () => say({ type: 'connection_init' }))
      opened.on('message', (data) => hear(JSON.parse(String(data)) as Message, say))
      // What is wrong shows in its end.
      opened.on('error', () => {})
      opened.on('close', () => void setTimeout(connect, RECONNECT_MS))
    }

    function hear({ type, payload }: Message, say: (message: unknown) => void): void {
      if (type === 'ping') say({ type: 'pong' })
      else if (type === 'connection_ack') {
        say({ id: '1', type: 'subscribe', payload: { query: QUERY, variables: { since } } })
        resolve({ settled, freeze: () => socket?.pause(), thaw: () => socket?.resume(), stop })
      } else if (type === 'error' || type === 'complete') socket?.close()
      else if (type === 'next' && payload?.data) note(payload.data.executionUpdated)
    }

    function note({ id, status, updatedAt }: Told): void {
      if (updatedAt > since) since = updatedAt
      if (status !== 'SENT') settled.add(id)
      journal.write({ at: Date.now(), kind: 'told', by: `subscriber of ${replica.number}`, executionId: id, status })
    }

    function stop(): void {
      stopped = true
      socket?.terminate()
    }
  })
}
