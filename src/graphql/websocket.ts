import { setTimeout as delay } from 'node:timers/promises'
import { type ExecutionArgs, GraphQLError } from 'graphql'
import { makeServer } from 'graphql-ws'
import type { WebSocket, WebSocketServer } from 'ws'
import type { Logger } from '../base/log.ts'
import { originOf } from '../base/request-id.ts'
import type { Caller } from '../domain/access.ts'
import type { Callers, Origin } from '../domain/callers.ts'
import type { Context } from '../domain/context.ts'
import { Unauthenticated } from '../domain/errors.ts'
import { createSignal, type Listen, type Signal } from '../domain/signal.ts'
import { findJsonProblem } from '../protocol/json.ts'
import type { GraphQLContext } from './context.ts'
import { schema } from './schema.ts'
import type { GraphQL } from './server.ts'
import { type Subscription, subscribe } from './subscribe.ts'

/** Operations that one socket may have open at a time. */
const MAX_OPERATIONS = 10_000
const CONNECTION_INIT_TIMEOUT_MS = 10_000
/** A socket whose other end does not answer a ping within this time is dead, and is closed. */
const KEEP_ALIVE_MS = 12_000
/** While so much is not sent yet, the next message waits: a subscriber that does not read gets the latest state later, and no queue. */
const MAX_BUFFERED_BYTES = 64 * 1024
const BAD_REQUEST = 4400
const INTERNAL_ERROR = 4500
/** As graphql-ws closes where `onConnect` says no. Its clients come back, with what they have to show then. */
const FORBIDDEN = 4403
/** Clients of graphql-ws come back elsewhere after this code, with what they have open. */
const GOING_AWAY = 1001
const LOOK_EVERY_MS = 20
const NO_LONGER_GOOD = 'Forbidden: your key or token is good no longer'

/** What graphql-ws carries from `onSubscribe` to `execute` and `subscribe`. */
type Prepared = ExecutionArgs & Subscription

type WebSocketDoor = Pick<GraphQL, 'readOperation' | 'createContext' | 'mask'>

/** What we keep of each socket. There may be many thousands: what few of them need is made when it is needed. */
interface Extra extends Record<PropertyKey, unknown> {
  openCount: number
  /** The operations among those that are open that get one answer: no subscriptions. */
  asked: Set<string> | undefined
  gone: Signal | undefined
  /** Known from the CONNECTION_INIT on, before which nothing can be asked. */
  caller: Caller | undefined
  createContext: (() => GraphQLContext) | undefined
  /** The socket need no longer be ended when the caller's authority is. */
  letGo: (() => void) | undefined
  /** What the upgrade itself had: clients that are no browsers can send it there. */
  authorization: string | undefined
  origin: Origin
  socket: WebSocket
}

/**
 * Serves graphql-transport-ws on these sockets. Documents are read as over HTTP, so limits, context and masked errors are the
 * same: graphql-ws left alone would show an error's insides. Returns the function that finishes: it answers what was asked, takes
 * nothing more, and closes each socket, within so many milliseconds.
 */
export function serveGraphQLWebSockets(
  graphql: WebSocketDoor,
  sockets: WebSocketServer,
  { callers, log }: Pick<Context, 'callers' | 'log'>,
): (withinMs: number) => Promise<void> {
  const extraOf = new WeakMap<WebSocket, Extra>()
  const finishing = new AbortController()
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: CONNECTION_INIT_TIMEOUT_MS,
    execute: (args) => {
      const { operation, createContext, variableValues } = args as Prepared
      return operation.run(createContext(), variableValues)
    },
    subscribe: (args) => subscribe(args as Prepared, graphql.mask),
    onConnect: async ({ connectionParams, extra }) => {
      const caller = await identify(callers, connectionParams, extra)
      // Where it left meanwhile, nobody would let go of it.
      if (!caller || isGone(extra)) return false
      const onGone: Listen = (giveUp) => goneOf(extra).listen(giveUp)
      extra.caller = caller
      extra.createContext = () => graphql.createContext(onGone, caller)
      extra.letGo = callers.hold(caller, () => extra.socket.close(FORBIDDEN, NO_LONGER_GOOD))
      return true
    },
    onComplete: ({ extra }, id) => {
      extra.openCount -= 1
      extra.asked?.delete(id)
    },
    onSubscribe: ({ extra }, id, payload) => {
      const { caller, createContext } = extra
      if (!caller || !createContext) throw new Error('a WebSocket asked before it was let in')
      if (extra.openCount >= MAX_OPERATIONS) return [tooManyOperations()]
      const operation = graphql.readOperation(payload)
      if (!('run' in operation)) return operation
      extra.openCount += 1
      if (operation.kind !== 'subscription') {
        extra.asked ??= new Set()
        extra.asked.add(id)
      }
      // graphql-ws keeps the message for as long as the operation is open: its text is not needed any more.
      Object.assign(payload, { query: '' })
      const { document, definition } = operation
      const operationName = definition.name?.value
      const { literals } = operation
      const variableValues = literals ? { ...payload.variables, ...literals } : payload.variables
      return { schema, document, operation, operationName, createContext, caller, variableValues } as Prepared
    },
  })
  sockets.on('connection', (socket, req) => {
    const extra: Extra = {
      openCount: 0,
      asked: undefined,
      gone: undefined,
      caller: undefined,
      createContext: undefined,
      letGo: undefined,
      authorization: req.headers.authorization,
      origin: originOf(req),
      socket,
    }
    extraOf.set(socket, extra)
    const closed = server.opened(adapt(socket, finishing.signal, log), extra)
    socket.once('close', (code, reason) => {
      leave(extra)
      closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'a WebSocket did not end well'))
    })
  })
  const stopPings = pingAll(sockets)
  return async (withinMs) => {
    const endsAt = performance.now() + withinMs
    stopPings()
    finishing.abort()
    while (closeIdle(sockets, extraOf) > 0 && performance.now() < endsAt) await delay(LOOK_EVERY_MS)
  }
}

/** Raised when the socket is closed; made for the first operation that waits. */
function goneOf(extra: Extra): Signal {
  if (!extra.gone) {
    extra.gone = createSignal()
    if (isGone(extra)) extra.gone.raise()
  }
  return extra.gone
}

const isGone = ({ socket }: Extra): boolean => socket.readyState === socket.CLOSED

function leave(extra: Extra): void {
  extra.gone?.raise()
  extra.letGo?.()
}

/** By what CONNECTION_INIT shows, as browsers cannot send a header; else by the header of the upgrade. Undefined: by nothing that is good. */
async function identify(
  callers: Callers,
  params: Record<string, unknown> | undefined,
  { authorization, origin }: Extra,
): Promise<Caller | undefined> {
  const shown = params?.['Authorization'] ?? params?.['authorization'] ?? authorization
  try {
    return await callers.identify(typeof shown === 'string' ? shown : undefined, origin)
  } catch (error) {
    if (error instanceof Unauthenticated) return undefined
    throw error
  }
}

/** Closes the sockets that owe no answer, and returns the number of those that do. */
function closeIdle({ clients }: WebSocketServer, extraOf: WeakMap<WebSocket, Extra>): number {
  let owing = 0
  for (const socket of clients) {
    if (extraOf.get(socket)?.asked?.size) owing += 1
    else socket.close(GOING_AWAY, 'Going away')
  }
  return owing
}

/** A socket as graphql-ws wants it. */
function adapt(
  socket: WebSocket,
  finishing: AbortSignal,
  log: Logger,
): Parameters<ReturnType<typeof makeServer>['opened']>[0] {
  // A frame that is too large, and the like: `ws` closes with the code for it.
  socket.on('error', (error) => log.debug({ err: error }, 'a WebSocket broke'))
  return {
    protocol: socket.protocol,
    send: (text) => send(socket, text),
    close: (code, reason) => socket.close(code, reason),
    // Its own: graphql-ws writes back whatever came, and what is nested deeply enough overflows the stack of whoever writes it.
    onPing(payload) {
      const found = findJsonProblem(payload ?? null)
      if (found) return socket.close(BAD_REQUEST, `payload: ${found.problem}`)
      return send(socket, JSON.stringify({ type: 'pong', payload }))
    },
    onMessage: (handle) => {
      socket.on('message', (data) => {
        // Not begun, it is safe for the client to ask again elsewhere.
        if (finishing.aborted) return
        handle(String(data)).catch((error: unknown) => {
          if (isOfClient(error)) return socket.close(BAD_REQUEST, error.message)
          log.error({ err: error }, 'a WebSocket message could not be handled')
          socket.close(INTERNAL_ERROR, 'Something went wrong inside the service.')
        })
      })
    },
  }
}

/** A message of the protocol that only a server sends, for which graphql-ws throws. */
const isOfClient = (error: unknown): error is Error =>
  error instanceof Error && error.message.startsWith('Unexpected message of type')

/** Resolves when the next message may be sent: at once, unless the other end is slow. */
function send(socket: WebSocket, text: string): Promise<void> | void {
  if (socket.readyState !== socket.OPEN) return
  if (socket.bufferedAmount < MAX_BUFFERED_BYTES) return socket.send(text)
  // An error is followed by the end of the socket, which ends its operations.
  return new Promise((resolve) => socket.send(text, () => resolve()))
}

/** One timer for all sockets. Who still owes an answer at the next ping is gone. */
function pingAll(sockets: WebSocketServer): () => void {
  const owing = new WeakSet<WebSocket>()
  sockets.on('connection', (socket) => socket.on('pong', () => owing.delete(socket)))
  const timer = setInterval(() => {
    for (const socket of sockets.clients) {
      if (owing.has(socket)) socket.terminate()
      else if (socket.readyState === socket.OPEN) {
        owing.add(socket)
        socket.ping()
      }
    }
  }, KEEP_ALIVE_MS)
  return () => clearInterval(timer)
}

const tooManyOperations = (): GraphQLError =>
  new GraphQLError(`This socket has ${MAX_OPERATIONS} operations open; complete some, or open another socket.`, {
    extensions: { code: 'TOO_MANY_OPERATIONS' },
  })
