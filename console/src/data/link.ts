/** The WebSocket: one for the page, opened by its first subscription. It comes back by itself, and says how it is. */
import { type Client, createClient } from 'graphql-ws/client'
import { createStore, type Store } from './store.ts'

export type LinkState = 'idle' | 'connecting' | 'live' | 'lost' | 'offline'

export interface Link {
  sockets: Client
  state: Store<LinkState>
  /** Tries now, and does not wait for its turn. */
  retry(): void
  dispose(): void
}

export interface LinkOptions {
  authorization: string | undefined
  onRefused: () => void
}

const KEEP_ALIVE_MS = 10_000
const PONG_WITHIN_MS = 5_000
const LONGEST_WAIT_MS = 10_000
/** Pages come and go: their subscriptions may follow one another closely. */
const CLOSE_AFTER_MS = 3_000
/** As the service closes where it does not take what CONNECTION_INIT shows, or no longer. */
const FORBIDDEN = 4403

const url = () => `${location.origin.replace(/^http/, 'ws')}/graphql`
const codeOf = (event: unknown): number | undefined => (event instanceof CloseEvent ? event.code : undefined)

export function createLink({ authorization, onRefused }: LinkOptions): Link {
  const state = createStore<LinkState>('idle')
  let pongDue: ReturnType<typeof setTimeout> | undefined
  let wake = () => {}

  const sockets = createClient({
    url,
    connectionParams: authorization ? { Authorization: authorization } : {},
    lazyCloseTimeout: CLOSE_AFTER_MS,
    keepAlive: KEEP_ALIVE_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (event) => codeOf(event) !== FORBIDDEN,
    retryWait: (retries) =>
      new Promise((resolve) => {
        wake = resolve
        // Not all at once after a restart of the service.
        if (navigator.onLine) setTimeout(resolve, Math.min(500 * 2 ** retries, LONGEST_WAIT_MS) * (0.5 + Math.random()))
      }),
    on: {
      connecting: (isRetry) => state.set(isRetry ? lost() : 'connecting'),
      connected: () => state.set('live'),
      ping: (isReceived) => {
        // A connection that is dead on the way says nothing: no answer is the answer.
        if (!isReceived) pongDue = setTimeout(() => sockets.terminate(), PONG_WITHIN_MS)
      },
      pong: (isReceived) => {
        if (isReceived) clearTimeout(pongDue)
      },
      closed: (event) => {
        clearTimeout(pongDue)
        if (codeOf(event) === FORBIDDEN) onRefused()
        state.set(codeOf(event) === 1000 ? 'idle' : lost())
      },
    },
  })

  const lost = (): LinkState => (navigator.onLine ? 'lost' : 'offline')
  const onOffline = () => {
    if (state.get() === 'idle') return
    state.set('offline')
    sockets.terminate()
  }
  const onOnline = () => {
    if (state.get() === 'offline') state.set('lost')
    wake()
  }
  addEventListener('offline', onOffline)
  addEventListener('online', onOnline)

  return {
    sockets,
    state,
    retry: () => wake(),
    dispose() {
      removeEventListener('offline', onOffline)
      removeEventListener('online', onOnline)
      clearTimeout(pongDue)
      void sockets.dispose()
    },
  }
}
