import type { IncomingMessage } from 'node:http'
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { requestIdOf } from '../base/request-id.ts'
import type { Context } from '../domain/context.ts'
import { findVisible } from '../domain/executions.ts'
import { listExecutions } from '../domain/list-executions.ts'
import { checkPageSize, DEFAULT_PAGE_SIZE, decodeCursor, encodeCursor } from '../domain/paging.ts'
import type { TraceContext } from '../domain/ports.ts'
import { sendCommand } from '../domain/send.ts'
import type { JsonObject } from '../protocol/json.ts'
import { MAX_BODY_BYTES } from './body.ts'
import { type CallerVariables, requireCaller } from './caller.ts'
import { explainError, PROBLEM_TYPE, problem, problemOf, problemResponse } from './problem.ts'
import { ExecutionBody, executionBody, ListQuery, PageBody, ProblemBody, SendBody } from './rest-schemas.ts'

export const API_PATH = '/api/v1'
/** Where commands are posted to. */
export const SEND_PATH = `${API_PATH}/commands`

const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'Fleet Commands',
    version: '1',
    description: 'Real-time commands to connected devices, for callers without GraphQL.',
  },
  servers: [{ url: API_PATH }],
}

const json = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
})
const problemOn = (description: string) => ({ description, content: { [PROBLEM_TYPE]: { schema: ProblemBody } } })
const UNAVAILABLE = problemOn(
  'BROKER_UNAVAILABLE, DELIVERY_UNCONFIRMED, DATABASE_UNAVAILABLE, or OVERLOADED with Retry-After.',
)

const UNAUTHENTICATED = problemOn('No key or token was shown, or none that is good.')

const sendRoute = createRoute({
  method: 'post',
  path: '/commands',
  summary: 'Send a command to a thing',
  request: {
    headers: z.object({
      'idempotency-key': z.string().optional().openapi({
        description:
          'Your name for this intent. Sent again with the same request, it answers with the first execution and sends nothing.',
      }),
    }),
    body: { required: true, content: { 'application/json': { schema: SendBody } } },
  },
  responses: {
    201: {
      ...json(
        'Committed, and confirmed by the broker, or with AT_LEAST_ONCE committed and to be published again.',
        ExecutionBody,
      ),
      headers: z.object({ location: z.string() }),
    },
    400: problemOn('Malformed: INPUT_INVALID.'),
    401: UNAUTHENTICATED,
    403: problemOn('FORBIDDEN: the role or the scope of the key does not let it send this.'),
    404: problemOn('THING_NOT_FOUND.'),
    409: problemOn('IDEMPOTENCY_CONFLICT.'),
    413: problemOn('A body of more than 256 KB.'),
    415: problemOn('A body that is not JSON.'),
    422: problemOn('ACTION_UNKNOWN, PARAMS_INVALID or TTL_OUT_OF_RANGE.'),
    429: problemOn('RATE_LIMITED, with Retry-After.'),
    503: UNAVAILABLE,
  },
})

const getRoute = createRoute({
  method: 'get',
  path: '/commands/{executionId}',
  summary: 'One execution',
  request: { params: z.object({ executionId: z.string() }) },
  responses: {
    200: json('As it is now.', ExecutionBody),
    401: UNAUTHENTICATED,
    404: problemOn('EXECUTION_NOT_FOUND.'),
    503: UNAVAILABLE,
  },
})

const listRoute = createRoute({
  method: 'get',
  path: '/commands',
  summary: 'Executions, newest first',
  request: { query: ListQuery },
  responses: {
    200: json('A page.', PageBody),
    400: problemOn('Malformed: INPUT_INVALID.'),
    401: UNAUTHENTICATED,
    503: UNAVAILABLE,
  },
})

/** What http/server.ts hands over with a request. */
interface Env {
  Bindings: { incoming: IncomingMessage & { traceContext?: TraceContext } }
  Variables: CallerVariables
}

/** `/api/v1`: for callers without GraphQL, through the same functions of the domain. */
export function createRestRoutes(ctx: Context): OpenAPIHono<Env> {
  const routes = new OpenAPIHono<Env>({ defaultHook: (result) => refuseInvalid(result) })
  routes.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: bodyTooLarge }))
  routes.use(requireCaller(ctx))
  routes.post('/commands', requireJson)

  routes.openapi(sendRoute, async (c) => {
    const idempotencyKey = c.req.valid('header')['idempotency-key']
    const { thingId, action, params, ttl, delivery } = c.req.valid('json')
    const request = {
      thingId,
      action,
      params: params as JsonObject | undefined,
      ttl,
      idempotencyKey,
      delivery,
      caller: c.get('caller'),
      requestId: requestIdOf(c.env.incoming),
      traceContext: c.env.incoming.traceContext,
    }
    const sent = await sendCommand(ctx, request)
    if (!sent.ok) throw problemOf(sent.errors)
    c.header('location', `${API_PATH}/commands/${sent.value.id}`)
    return c.json(executionBody(sent.value), 201)
  })

  routes.openapi(getRoute, async (c) => {
    const { executionId } = c.req.valid('param')
    const execution = await findVisible(ctx, c.get('caller'), executionId)
    if (!execution)
      throw problem(404, 'EXECUTION_NOT_FOUND', `There is no execution ${JSON.stringify(executionId.slice(0, 64))}.`)
    return c.json(executionBody(execution), 200)
  })

  routes.openapi(listRoute, async (c) => {
    const { first = DEFAULT_PAGE_SIZE, after, ...filter } = c.req.valid('query')
    checkPageSize('first', first)
    const afterId = after ? decodeCursor('execution', 'after', after) : undefined
    const { authority } = c.get('caller')
    const rows = await listExecutions(
      ctx,
      { ...filter, scope: authority },
      { after: afterId, limit: first + 1, inverted: false },
    )
    const items = rows.slice(0, first)
    const last = items.at(-1)
    const pageInfo = { hasNextPage: rows.length > first, endCursor: last ? encodeCursor('execution', last.id) : null }
    return c.json({ items: items.map(executionBody), pageInfo }, 200)
  })

  const openapi = routes.getOpenAPI31Document(OPENAPI)
  routes.get('/openapi.json', (c) => c.json(openapi))
  routes.onError((error, c) => explainError(ctx.log, error, requestIdOf(c.env.incoming)))
  return routes
}

function refuseInvalid(result: { success: true } | { success: false; error: z.ZodError }): void {
  if (result.success) return
  const errors = result.error.issues.map(({ path, message }) => ({
    code: 'INPUT_INVALID',
    message,
    path: path.map(String),
  }))
  const detail = errors.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ')
  throw problem(400, 'INPUT_INVALID', detail, { errors })
}

function bodyTooLarge(): Response {
  const response = problemResponse(413, 'BODY_TOO_LARGE', `expected a body of at most ${MAX_BODY_BYTES} bytes`)
  // What is left of the body is not read: the connection cannot be used again.
  response.headers.set('connection', 'close')
  return response
}

const requireJson: MiddlewareHandler = async (c, next) => {
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    throw problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'expected Content-Type: application/json')
  await next()
}
