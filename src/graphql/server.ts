import type { ServerResponse } from 'node:http'
import { EnvelopArmor } from '@escape.tech/graphql-armor'
import { createYoga } from 'graphql-yoga'
import type { Context } from '../domain/context.ts'
import {
  type CreateContext,
  createContexts,
  type GraphQLContext,
  type GraphQLServer,
  type ServerContext,
} from './context.ts'
import { createDoor, type RequestWithBody } from './door.ts'
import { type Mask, maskError } from './errors.ts'
import { GRAPHIQL_TABS } from './graphiql-tabs.ts'
import { createOperations, type ReadOperation } from './operations.ts'
import { schema } from './schema.ts'

export const GRAPHQL_PATH = '/graphql'

/** A document may be this deep, this long, and so on: enough for every client we know, and for GraphiQL's introspection. */
const LIMITS = {
  maxDepth: { n: 12, ignoreIntrospection: true },
  maxTokens: { n: 2_000 },
  // `allowList: []`: the default one lets `__typename` pass under any alias.
  maxAliases: { n: 20, allowList: [] },
  maxDirectives: { n: 50 },
  // It counts `first: 100` only where it is written as a literal, and then refuses a full page: the page size is the limit.
  costLimit: { enabled: false },
  blockFieldSuggestion: { enabled: false },
}

const GRAPHIQL_OPTIONS = {
  title: 'Fleet Commands',
  endpoint: GRAPHQL_PATH,
  subscriptionsProtocol: 'WS' as const,
  defaultTabs: GRAPHIQL_TABS,
}

/** GraphQL for both of its doors. */
export interface GraphQL {
  readOperation: ReadOperation
  createContext: CreateContext
  /** What a client is shown of an error. */
  mask: Mask
  /** Over HTTP, SSE included. */
  handle: (req: RequestWithBody, res: ServerResponse) => Promise<void>
}

export function createGraphQL(ctx: Context): GraphQL {
  const mask: Mask = (error, requestId) => maskError(ctx.log, error, requestId)
  const createContext = createContexts(ctx)
  const yoga = createYogaServer(createContext, mask)
  const readOperation = createOperations(yoga, mask)
  return { readOperation, createContext, mask, handle: createDoor(createContext, yoga, readOperation, ctx.callers) }
}

/** One place for limits, errors and context. */
function createYogaServer(createContext: CreateContext, mask: Mask): GraphQLServer {
  return createYoga<ServerContext, GraphQLContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request, req }) => {
      if (!req.caller) throw new Error('a request came without its caller')
      return createContext(() => request.signal, req.caller, req.traceContext)
    },
    plugins: onlyOfDocuments(new EnvelopArmor(LIMITS).protect().plugins),
    maskedErrors: { maskError: (error) => mask(error) },
    // Documents are kept in operations.ts.
    parserAndValidationCache: false,
    // Bodies are limited before they come here (http/body.ts); forms could be posted by any page, JSON cannot (CSRF).
    maxRequestBodySize: false,
    multipart: false,
    cors: false,
    landingPage: false,
    graphiql: GRAPHIQL_OPTIONS,
    renderGraphiQL: loadGraphiQLPage,
    logging: false,
  })
}

/** The short way (door.ts) asks plugins about documents. One that wants to see requests or executions would be passed by, and must not be here unnoticed. */
function onlyOfDocuments<T extends object>(plugins: T[]): T[] {
  const foreign = plugins.flatMap((plugin) => Object.keys(plugin)).find((hook) => !DOCUMENT_HOOKS.includes(hook))
  if (foreign) throw new Error(`a GraphQL plugin has the hook ${foreign}, which graphql/door.ts does not call`)
  return plugins
}

const DOCUMENT_HOOKS = ['onParse', 'onValidate']

/** GraphiQL with all it needs in the page: it works without internet access. Not loaded before somebody opens it: it takes 45 MB. */
export async function loadGraphiQLPage(): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  return renderGraphiQL(GRAPHIQL_OPTIONS)
}
