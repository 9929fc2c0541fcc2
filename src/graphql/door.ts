/** GraphQL over HTTP. What most requests are has a short way of its own; Yoga answers everything else. */
import type { ServerResponse } from 'node:http'
import { prepareAnswer, securityHeaders } from '../base/answer-headers.ts'
import { REQUEST_ID_HEADER, requestIdOf } from '../base/request-id.ts'
import type { Caller } from '../domain/access.ts'
import type { Callers } from '../domain/callers.ts'
import type { Listen } from '../domain/signal.ts'
import type { CreateContext, GraphQLServer, TracedRequest } from './context.ts'
import type { OperationParams, ReadOperation } from './operations.ts'
import type { PersistedOperations } from './persisted.ts'

/** As http/server.ts hands it over. */
export interface DoorRequest {
  req: TracedRequest
  res: ServerResponse
  caller: Caller
  /** Of a POST. */
  body: Buffer | undefined
}

export interface DoorOptions {
  callers: Callers
  persisted: PersistedOperations | undefined
}

/**
 * The short way is for queries and mutations that are posted as JSON, in a document that is in order, by a client that
 * takes plain JSON: there the request and the response are Node's own, without the web's objects around them, which would
 * cost more than all the rest. Yoga's plugins have had their say on the document (operations.ts); what is not in order is
 * left to Yoga, which knows how to refuse it. Nothing has been run by then.
 */
export function createDoor(
  createContext: CreateContext,
  yoga: GraphQLServer,
  readOperation: ReadOperation,
  { callers, persisted }: DoorOptions,
) {
  return async (request: DoorRequest): Promise<void> => {
    const { req, res, caller, body } = request
    const contentType = contentTypeFor(req.headers.accept)
    const params = contentType && body && readParams(body)
    const operation = params && readOperation(params)
    if (!operation || !('run' in operation) || operation.kind === 'subscription') return askYoga(request)
    const requestId = requestIdOf(req)
    const context = createContext(closeOf(res), caller, req.traceContext)
    const result = await operation.run(context, params.variables)
    if (!('data' in result)) return askYoga(request)
    const text = JSON.stringify(result)
    res.writeHead(200, {
      ...securityHeaders(req, res),
      'content-type': contentType,
      'content-length': Buffer.byteLength(text),
      ...(requestId !== undefined && { [REQUEST_ID_HEADER]: requestId }),
    })
    res.end(text)
  }

  async function askYoga(request: DoorRequest): Promise<void> {
    const { req, res, caller, body } = request
    // The caller left while it was found out who he is: nothing was begun, and nobody would end a stream.
    if (res.destroyed) return
    prepareAnswer(req, res)
    const foreign = body && findForeign(parseJson(body))
    if (foreign !== undefined) return refuseForeign(res, foreign)
    // It may be a stream of events.
    res.once(
      'close',
      callers.hold(caller, () => res.destroy()),
    )
    await yoga(persisted ? writeOut(request, persisted) : withBody(req, body), res, { caller })
  }
}

/** Of the usual Accept headers only: what begins with a quality value, a parameter, a page or a stream is Yoga's. */
function contentTypeFor(accept: string | undefined): string | undefined {
  const [first] = (accept ?? '*/*').split(',', 1)
  return first === undefined ? undefined : CONTENT_TYPES[first.trim()]
}

const CONTENT_TYPES: Record<string, string> = {
  '*/*': 'application/json; charset=utf-8',
  'application/json': 'application/json; charset=utf-8',
  'application/graphql-response+json': 'application/graphql-response+json; charset=utf-8',
}

const MEMBERS = ['query', 'operationName', 'variables', 'extensions']

/** The parameters of a request that is formed as it should be. */
function readParams(body: Buffer): OperationParams | undefined {
  const params = parseJson(body)
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return undefined
  if (findForeign(params) !== undefined) return undefined
  const { query, operationName, variables, extensions } = params as Record<string, unknown>
  // The document may be left out where its hash is in the extensions (persisted.ts).
  if (!isTextOrNone(query) || !isTextOrNone(operationName)) return undefined
  if (!isObjectOrNone(variables) || !isObjectOrNone(extensions)) return undefined
  return { query: query ?? '', operationName, variables, extensions }
}

/** A member that no request has. */
function findForeign(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return undefined
  return Object.keys(params).find((name) => !MEMBERS.includes(name))
}

/** Not left to Yoga, which takes what has a `then` for a promise, and fails. */
function refuseForeign(res: ServerResponse, name: string): void {
  const message = `Unexpected parameter ${JSON.stringify(name.slice(0, 64))} in the request body.`
  const text = JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] })
  res.writeHead(400, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) })
  res.end(text)
}

const isTextOrNone = (value: unknown): value is string | null | undefined => value == null || typeof value === 'string'

const isObjectOrNone = (value: unknown): value is Record<string, unknown> | null | undefined =>
  value == null || (typeof value === 'object' && !Array.isArray(value))

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // Yoga says what is wrong with it.
    return undefined
  }
}

/** Yoga takes a body that was read before from there. */
const withBody = (req: TracedRequest, body: Buffer | undefined): TracedRequest =>
  body ? Object.assign(req, { body }) : req

/** Yoga knows documents only, and not their hashes. */
function writeOut({ req, body }: DoorRequest, persisted: PersistedOperations): TracedRequest {
  const params = body ? readParams(body) : readSearch(req.url)
  const query = params && persisted.textOf(params)
  if (!query || query === params.query) return withBody(req, body)
  if (body) return withBody(req, Buffer.from(JSON.stringify({ ...params, query })))
  return Object.assign(req, { url: `${req.url}&query=${encodeURIComponent(query)}` })
}

/** Of a GET without a document: what is said of its hash. */
function readSearch(url = ''): OperationParams | undefined {
  const asked = new URLSearchParams(url.slice(url.indexOf('?') + 1))
  const extensions = parseJson(Buffer.from(asked.get('extensions') ?? ''))
  return asked.has('query') || !isObjectOrNone(extensions) ? undefined : { query: '', extensions }
}

/** The caller hangs up before the answer. */
const closeOf =
  (res: ServerResponse): Listen =>
  (giveUp) => {
    const onClose = () => {
      if (!res.writableFinished) giveUp()
    }
    res.once('close', onClose)
    if (res.destroyed) giveUp()
    return () => res.off('close', onClose)
  }
