import { setMaxListeners } from 'node:events'
import { type DocumentNode, type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import type { WebSocket, WebSocketServer } from 'ws'
import type { GraphQLServer } from './server.ts'

/** Operations that one socket may have open at a time. */
const MAX_OPERATIONS = 10_000
const CONNECTION_INIT_TIMEOUT_MS = 10_000
/** A socket whose other end does not answer a ping within this time is dead, and is closed. */
const KEEP_ALIVE_MS = 12_000

type Operation = ExecutionArgs & {
  execute: (args: ExecutionArgs) => Promise<ExecutionResult>
  subscribe: (args: ExecutionArgs) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>
}

interface SocketState extends Record<PropertyKey, unknown> {
  operations?: Set<string>
  gone?: AbortController
}

/**
 * Serves graphql-transport-ws on these sockets. Operations run through Yoga's own pipeline, so limits, context and masked
 * errors are those of HTTP: graphql-ws left alone would show an error's insides.
 */
export function serveGraphQLWebSockets(
  server: GraphQLServer,
  sockets: WebSocketServer,
): { dispose: () => void | Promise<void> } {
  const served = useServer<Record<string, unknown>, SocketState>(
    {
      connectionInitWaitTimeout: CONNECTION_INIT_TIMEOUT_MS,
      execute: (args) => (args as Operation).execute(args),
      subscribe: (args) => (args as Operation).subscribe(args),
      onConnect: ({ extra }) => {
        extra.operations = new Set()
        extra.gone = new AbortController()
        // Each operation that waits listens to it.
        setMaxListeners(0, extra.gone.signal)
      },
      onDisconnect: ({ extra }) => extra.gone?.abort(),
      onComplete: ({ extra }, id) => void extra.operations?.delete(id),
      onSubscribe: ({ extra }, id, params) => {
        const { operations, gone } = extra
        if (!operations || !gone || operations.size >= MAX_OPERATIONS) return [tooManyOperations()]
        operations.add(id)
        const prepared = prepare(server, { req: extra.request, signal: gone.signal, params })
        return prepared.then((operation) => {
          if (Array.isArray(operation)) operations.delete(id)
          return operation
        })
      },
    },
    sockets,
    KEEP_ALIVE_MS,
  )
  sockets.on('connection', forgiveErrors)
  return served
}

/** A frame that is too large, and the like: `ws` closes with the code for it. graphql-ws would print each with its stack. */
function forgiveErrors(socket: WebSocket): void {
  socket.removeAllListeners('error')
  socket.on('error', () => {})
}

type Params = {
  query: string
  operationName?: string | null | undefined
  variables?: Record<string, unknown> | null | undefined
}

async function prepare(
  server: GraphQLServer,
  { params, ...initial }: Parameters<GraphQLServer['getEnveloped']>[0] & { params: Params },
): Promise<Operation | readonly GraphQLError[]> {
  const { schema, execute, subscribe, contextFactory, parse, validate } = server.getEnveloped({ ...initial, params })
  const document = readDocument(params, parse, (parsed) => validate(schema, parsed))
  if ('errors' in document) return document.errors
  return {
    schema,
    document,
    operationName: params.operationName,
    variableValues: params.variables,
    contextValue: await contextFactory(),
    execute,
    subscribe,
  }
}

/** What is wrong with a document is answered, with the codes that it has over HTTP: thrown, it would close the socket. */
function readDocument(
  { query, operationName }: Params,
  parse: (source: string) => DocumentNode,
  validate: (document: DocumentNode) => readonly GraphQLError[],
): DocumentNode | { errors: GraphQLError[] } {
  let code = 'GRAPHQL_PARSE_FAILED'
  try {
    const document = parse(query)
    code = 'GRAPHQL_VALIDATION_FAILED'
    const errors = validate(document)
    if (errors.length > 0) return { errors: errors.map((error) => withCode(error, code)) }
    if (getOperationAST(document, operationName)) return document
    const noOperation = new GraphQLError('expected one operation, or the name of one as operationName')
    return { errors: [withCode(noOperation, 'OPERATION_RESOLUTION_FAILURE')] }
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [withCode(error, code)] }
    throw error
  }
}

function withCode({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } })
}

const tooManyOperations = (): GraphQLError =>
  new GraphQLError(`This socket has ${MAX_OPERATIONS} operations open; complete some, or open another socket.`, {
    extensions: { code: 'TOO_MANY_OPERATIONS' },
  })
