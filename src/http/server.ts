import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https'
import type { AddressInfo, BlockList } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { WebSocketServer } from 'ws'
import { prepareAnswer } from '../base/answer-headers.ts'
import type { Renewed } from '../base/certificates.ts'
import { readForwarded } from '../base/client-address.ts'
import type { Certificate } from '../base/config-tls.ts'
import type { Logger } from '../base/log.ts'
import { assignRequestId, originOf, REQUEST_ID_HEADER, requestIdOf } from '../base/request-id.ts'
import type { Caller } from '../domain/access.ts'
import type { Callers } from '../domain/callers.ts'
import { Unauthenticated } from '../domain/errors.ts'
import { MAX_BODY_BYTES, readBody, sendJson } from './body.ts'
import { CHALLENGE } from './caller.ts'
import { closeServer, type OpenSockets } from './close.ts'
import { CHECK_EVERY_MS, limitConnections } from './connections.ts'
import { createGate, type Gate } from './gate.ts'
import { API_PATH } from './rest.ts'
import { createUnderWay, type UnderWay } from './under-way.ts'
import { upgrade } from './upgrade.ts'

export type RequestHandler = (req: IncomingMessage, res: ServerResponse) => unknown

/** What is known of a request before its document is looked at. */
export interface GraphQLRequest {
  req: IncomingMessage
  res: ServerResponse
  caller: Caller
  /** Of a POST: read, and of no more bytes than it may have. */
  body: Buffer | undefined
}

export interface GraphQLDoor {
  path: string
  handle: (request: GraphQLRequest) => Promise<void>
  identify: Callers['identify']
}

/** The sockets are made by `createSockets`. */
export interface Doors extends OpenSockets {
  /** Pages, REST and health: whatever is not GraphQL. */
  routes: Hono
  graphql: GraphQLDoor
  /** Where requests are traced: called with each before it is handled, and leaves its trace context in it. */
  trace?: RequestHandler | undefined
}

export interface ListenOptions {
  host: string
  port: number
  /** Pages of these origins may come in as our own. */
  corsOrigins: readonly string[]
  /** Beyond them a connection is closed before anything is read of it. */
  maxConnections: number
  /** With one the port speaks HTTPS, and nothing else. */
  certificate: Renewed<Certificate>
  /** Whose word on where a request came from is taken. */
  proxies?: BlockList | undefined
}

export interface Listener {
  url: string
  port: number
  /** Still takes requests, and tells each client with the answer to leave its connection. */
  dismissClients(): void
  /** Takes no more requests, finishes those under way within a time, and closes what is left. */
  stop(): Promise<void>
}

/** For how long a caller who was refused may go on sending. */
const LINGER_MS = 2_000

/** WebSockets of one path, to be handed upgrades: frames no larger than a body, no compression (it costs memory for each socket). */
export function createSockets(subprotocols?: string): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY_BYTES + 1024,
    perMessageDeflate: false,
    ...(subprotocols && { handleProtocols: (offered) => (offered.has(subprotocols) ? subprotocols : false) }),
  })
  sockets.on('headers', (headers, req) => headers.push(`${REQUEST_ID_HEADER}: ${requestIdOf(req)}`))
  return sockets
}

/** One port for everything. Rejects where it cannot be had. */
export async function listen(options: ListenOptions, doors: Doors, log: Logger): Promise<Listener> {
  const { host, port, corsOrigins, maxConnections, certificate, proxies } = options
  const underWay = createUnderWay()
  const gate = createGate(host, corsOrigins)
  const handle = createRequestHandler(doors, { gate, proxies, underWay }, log)
  const server = createHttpServer(certificate, handle)
  limitConnections(server, maxConnections, log)
  server.on('upgrade', (req, socket, head) => {
    readForwarded(req, proxies)
    upgrade(doors.sockets[pathOf(req)], gate, { req, socket, head }, log)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { port: actualPort } = server.address() as AddressInfo
  return {
    url: urlOf(server instanceof HttpsServer ? 'https' : 'http', host, actualPort),
    port: actualPort,
    dismissClients: underWay.dismissClients,
    stop: () => closeServer(server, underWay, doors),
  }
}

function createHttpServer(certificate: Renewed<Certificate>, handle: RequestHandler): Server {
  const checks = { connectionsCheckingInterval: CHECK_EVERY_MS }
  const shown = certificate.current()
  if (!shown) return createServer(checks, handle)
  const server = createHttpsServer({ ...checks, ...shown }, handle)
  // Of the next connections; those that are open stay.
  certificate.onRenewed((renewed) => server.setSecureContext(renewed))
  return server
}

interface Entrance {
  gate: Gate
  proxies: BlockList | undefined
  underWay: UnderWay
}

function createRequestHandler(
  { routes, graphql, trace }: Doors,
  { gate, proxies, underWay }: Entrance,
  log: Logger,
): RequestHandler {
  const handleRoutes = getRequestListener(routes.fetch)
  const handleOther: RequestHandler = (req, res) => {
    prepareAnswer(req, res)
    return handleRoutes(req, res)
  }
  return (req, res) => {
    underWay.enter(res)
    readForwarded(req, proxies)
    const requestId = assignRequestId(req)
    trace?.(req, res)
    const misdirection = gate.misdirection(req)
    if (misdirection) return refuse(req, res, 421, misdirection)
    const path = pathOf(req)
    const isGraphQL = path === graphql.path
    if ((isGraphQL || path.startsWith(API_PATH)) && gate.answersPreflight(req, res)) return
    // GraphQL first: behind another framework an SSE stream would keep its source until the next event.
    const handled = isGraphQL && !asksForPage(req) ? handleGraphQL(graphql, req, res) : handleOther(req, res)
    Promise.resolve(handled).catch((error: unknown) => {
      if (!req.complete) return log.debug({ err: error, requestId }, 'a caller hung up in the middle of a request')
      log.error({ err: error, requestId }, 'a request failed')
      prepareAnswer(req, res)
      if (!res.headersSent) sendJson(res, 500, { errors: [{ message: 'Something went wrong inside the service.' }] })
      else res.destroy()
    })
  }
}

async function handleGraphQL(
  { handle, identify }: GraphQLDoor,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  let caller: Caller
  try {
    caller = await identify(req.headers.authorization, originOf(req))
  } catch (error) {
    if (!(error instanceof Unauthenticated)) throw error
    return refuse(req, res, 401, error.message, 'UNAUTHENTICATED')
  }
  // Not awaited: nothing of this function is kept while the request is on its way.
  if (req.method !== 'POST') return handle({ req, res, caller, body: undefined })
  if (!isJson(req.headers['content-type'])) return refuse(req, res, 415, 'expected Content-Type: application/json')
  const body = await readBody(req)
  if (!body.ok) return refuse(req, res, 413, `expected a body of at most ${MAX_BODY_BYTES} bytes`)
  return handle({ req, res, caller, body: body.bytes })
}

function refuse(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  message: string,
  code = 'BAD_REQUEST',
): void {
  prepareAnswer(req, res)
  const text = JSON.stringify({ errors: [{ message, extensions: { code } }] })
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...(status === 401 && CHALLENGE),
    // Nobody reads what is left of the body: the connection cannot be used again.
    connection: 'close',
  })
  // The answer is whole with this. Were the connection closed while the caller still sends, it would be reset, and the
  // answer lost on its way (RFC 9112, 9.6): it lingers until the body has come, for a while.
  res.write(text)
  req.resume()
  const lingering = setTimeout(() => res.end(), LINGER_MS)
  req.once('end', () => res.end())
  res.once('close', () => clearTimeout(lingering))
}

/** Browsers, and nobody else, want a page. */
const asksForPage = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers.accept?.includes('text/html') === true

const isJson = (contentType: string | undefined): boolean =>
  contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json'

const pathOf = (req: IncomingMessage): string => (req.url ?? '/').split('?', 1)[0] ?? '/'

function urlOf(scheme: string, host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}
