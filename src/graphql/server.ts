import { EnvelopArmor } from '@escape.tech/graphql-armor'
import type { ValidationRule } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Context } from '../domain/context.ts'
import type { Listen } from '../domain/signal.ts'
import {
  type CreateContext,
  createContexts,
  type GraphQLContext,
  type GraphQLServer,
  type ServerContext,
} from './context.ts'
import { createDoor, type DoorRequest } from './door.ts'
import { type Mask, maskError } from './errors.ts'
import { GRAPHIQL_TABS } from './graphiql-tabs.ts'
import { createOperations, type ReadOperation } from './operations.ts'
import { type PersistedOperations, readPersistedOnly } from './persisted.ts'
import { fewRepeats } from './repeats.ts'
import { boundedCost, fewMutations, noIntrospection } from './rules.ts'
import { schema } from './schema.ts'
import type { ServiceFacts } from './service.ts'
import { withoutSuggestion } from './suggestions.ts'

export const GRAPHQL_PATH = '/graphql'

/** A document may be this deep, this long, and so on: enough for every client we know, and for GraphiQL's introspection. */
const LIMITS = {
  maxDepth: { n: 12, ignoreIntrospection: true },
  maxTokens: { n: 2_000 },
  // `allowList: []`: the default one lets `__typename` pass under any alias.
  maxAliases: { n: 20, allowList: [] },
  maxDirectives: { n: 50 },
  // It counts pages only whose size is written as a literal: rules.ts has one that counts them all.
  costLimit: { enabled: false },
  // It leaves those of enums, inputs and variables: suggestions.ts takes them all.
  blockFieldSuggestion: { enabled: false },
}

const GRAPHIQL_OPTIONS = {
  title: 'Fleet Commands',
  endpoint: GRAPHQL_PATH,
  subscriptionsProtocol: 'WS' as const,
  defaultTabs: GRAPHIQL_TABS,
}

/** What has its say when a document is read (see `onlyOfDocuments`). */
type DocumentPlugin = Pick<Plugin, 'onParse' | 'onValidate'>

/** GraphQL for both of its doors. */
export interface GraphQL {
  readOperation: ReadOperation
  createContext: CreateContext
  /** What a client is shown of an error. */
  mask: Mask
  /** Over HTTP, SSE included. */
  handle: (request: DoorRequest) => Promise<void>
}

export interface GraphQLOptions {
  /** Whether clients may look around: introspection, and suggestions in errors. */
  explains: boolean
  /** Where there are some, nothing else runs. */
  persisted: PersistedOperations | undefined
  about: ServiceFacts
}

export function createGraphQL(ctx: Context, options: GraphQLOptions): GraphQL {
  const { explains, persisted } = options
  const mask: Mask = (error, requestId) => maskError(ctx.log, explains ? error : withoutSuggestion(error), requestId)
  const createContext = createContexts(ctx, options.about)
  const yoga = createYogaServer(createContext, mask, pluginsFor(options))
  const read = createOperations(yoga, mask)
  const readOperation = persisted ? readPersistedOnly(persisted, read) : read
  const handle = createDoor(createContext, yoga, readOperation, { callers: ctx.callers, persisted })
  return { readOperation, createContext, mask, handle }
}

/** One place for limits, errors and context. */
function createYogaServer(createContext: CreateContext, mask: Mask, plugins: DocumentPlugin[]): GraphQLServer {
  return createYoga<ServerContext, GraphQLContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request, req, caller }) => createContext(abortOf(request), caller, req.traceContext),
    plugins: onlyOfDocuments(plugins),
    maskedErrors: { maskError: (error) => mask(error) },
    // Documents are kept in operations.ts.
    parserAndValidationCache: false,
    // Bodies are limited before they come here (http/body.ts); forms could be posted by any page, JSON cannot (CSRF).
    maxRequestBodySize: false,
    multipart: false,
    // One request is one operation: a list of them would go round the limits of one, and the log and the trace of each.
    batching: false,
    cors: false,
    landingPage: false,
    // Pages come from http/page.ts.
    graphiql: false,
    logging: false,
  })
}

/** Its signal is made when it is asked for. */
const abortOf =
  (request: Request): Listen =>
  (giveUp) => {
    const { signal } = request
    signal.addEventListener('abort', giveUp, { once: true })
    if (signal.aborted) giveUp()
    return () => signal.removeEventListener('abort', giveUp)
  }

function pluginsFor({ explains, persisted }: GraphQLOptions): DocumentPlugin[] {
  return [
    ...new EnvelopArmor(LIMITS).protect().plugins,
    validateWith(fewRepeats),
    validateWith(fewMutations),
    validateWith(boundedCost(schema)),
    ...(explains ? [] : [validateWith(noIntrospection), HIDE_SUGGESTIONS]),
    ...(persisted ? [runOnly(persisted)] : []),
  ]
}

const validateWith = (rule: ValidationRule): DocumentPlugin => ({
  onValidate: ({ addValidationRule }) => addValidationRule(rule),
})

const HIDE_SUGGESTIONS: DocumentPlugin = {
  onValidate:
    () =>
    ({ result, setResult }) =>
      setResult(result.map(withoutSuggestion)),
}

/** Of what did not come by operations.ts. */
const runOnly = ({ check }: PersistedOperations): DocumentPlugin => ({
  onParse({ params, setParseFn }) {
    const refused = check(String(params.source))
    if (refused)
      setParseFn(() => {
        throw refused
      })
  },
})

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
