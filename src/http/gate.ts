/** Who may come in, by what browsers say of a page: its origin, and the name under which it found us. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ALLOW_ORIGIN_HEADER, prepareAnswer } from '../base/answer-headers.ts'
import { isSecure } from '../base/client-address.ts'
import { hostWithoutPort, isLoopback } from '../base/loopback.ts'

export interface Gate {
  /** Why a request must not be answered, for the caller to read; undefined where it may. */
  misdirection(req: IncomingMessage): string | undefined
  /** Whether a page may open a socket: our own may, and those of CORS_ORIGINS. Clients that are no page name no origin. */
  letsPage(req: IncomingMessage): boolean
  /** Lets a page of CORS_ORIGINS read the answer. True where that was all it asked for, and it is answered. */
  answersPreflight(req: IncomingMessage, res: ServerResponse): boolean
}

/** No credentials: a page of another origin signs its requests itself, and no cookie or certificate goes along unasked. */
const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers':
    'accept, authorization, content-type, idempotency-key, traceparent, tracestate, x-request-id',
  'access-control-max-age': '7200',
}
const EXPOSED_HEADERS = 'location, retry-after, x-request-id'

export function createGate(host: string, corsOrigins: readonly string[]): Gate {
  const isForThisMachine = isLoopback(host)
  const origins = new Set(corsOrigins)
  /** A proxy of the same machine may pass on the name under which it is called. */
  const ownHosts = new Set(corsOrigins.map((origin) => new URL(origin).host))
  return { misdirection, letsPage, answersPreflight }

  /**
   * A name that leads to this machine without being its own was given to it by somebody else's DNS, so that his page and we
   * have one origin (DNS rebinding). Where we listen for other machines, any name may be ours.
   */
  function misdirection({ headers }: IncomingMessage): string | undefined {
    const given = headers.host
    if (!isForThisMachine || !given || isLoopback(hostWithoutPort(given)) || ownHosts.has(given)) return undefined
    return `Host: got ${JSON.stringify(given.slice(0, 256))}, expected localhost or a loopback address, because the service listens there only (HOST). Behind a proxy that passes its own name on, put its origin into CORS_ORIGINS.`
  }

  function letsPage(req: IncomingMessage): boolean {
    const { origin, host: ownHost } = req.headers
    if (origin === undefined || origins.has(origin)) return true
    if (!URL.canParse(origin) || new URL(origin).host !== ownHost) return false
    // A page that came without TLS may be anybody's. Where we do not know how ours are fetched, a proxy may have TLS in front.
    return !isSecure(req) || origin.startsWith('https:')
  }

  function answersPreflight(req: IncomingMessage, res: ServerResponse): boolean {
    const { origin } = req.headers
    // Answers differ by origin, also those without a word of it.
    if (origins.size > 0) res.setHeader('vary', 'Origin')
    if (origin === undefined || !origins.has(origin)) return false
    res.setHeader(ALLOW_ORIGIN_HEADER, origin)
    res.setHeader('access-control-expose-headers', EXPOSED_HEADERS)
    if (req.method !== 'OPTIONS' || !req.headers['access-control-request-method']) return false
    prepareAnswer(req, res)
    res.writeHead(204, PREFLIGHT_HEADERS).end()
    return true
  }
}
