import SchemaBuilder from '@pothos/core'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import { DateTimeResolver } from 'graphql-scalars'
import { isNarrowed, may, notAllowed, type Permission } from '../domain/access.ts'
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../domain/paging.ts'
import type { Json, JsonObject } from '../protocol/json.ts'
import type { GraphQLContext } from './context.ts'
import { JSONObjectScalar, JSONScalar } from './json.ts'

const PAGE_SIZE = `From 0 to ${MAX_PAGE_SIZE}; ${DEFAULT_PAGE_SIZE} where neither \`first\` nor \`last\` is given.`

/** What the schema is built with: one file for each noun adds its types and fields to it, `schema.ts` only assembles. */
export const builder = new SchemaBuilder<{
  Context: GraphQLContext
  AuthScopes: { [permission in Permission | 'manageAll']: boolean }
  DefaultFieldNullability: false
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    JSON: { Input: Json; Output: Json }
    JSONObject: { Input: JsonObject; Output: JsonObject }
    DateTime: { Input: Date; Output: Date }
  }
}>({
  // Asked first: a plugin has its say in the order of this list.
  plugins: [ScopeAuthPlugin, RelayPlugin],
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ caller }) => ({
      read: () => may(caller.authority, 'read'),
      send: () => may(caller.authority, 'send'),
      manage: () => may(caller.authority, 'manage'),
      manageAll: () => may(caller.authority, 'manage') && !isNarrowed(caller.authority),
    }),
    unauthorizedError: (_parent, { caller }, { fieldName }) => notAllowed(caller, fieldName),
  },
  defaultFieldNullability: false,
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    nodesOnConnection: { description: 'The rows of this page, where their cursors are not needed.' },
    edgesFieldOptions: {
      description: 'The rows of this page, each with its cursor.',
      nullable: { list: false, items: false },
    },
    nodeFieldOptions: { description: 'The row.', nullable: false },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    cursorFieldOptions: {
      description: 'Where this row stands: pass it as `after` or `before`. It stays right while rows come and go.',
    },
    firstArgOptions: { description: `How many rows from the beginning of the list. ${PAGE_SIZE}` },
    afterArgOptions: { description: 'Rows behind this cursor in the list.' },
    lastArgOptions: { description: `How many rows from the end of the list. ${PAGE_SIZE}` },
    beforeArgOptions: { description: 'Rows in front of this cursor in the list.' },
    pageInfoFieldOptions: { description: 'Whether there is more, and from where to go on.' },
    hasNextPageFieldOptions: { description: 'Whether there are rows behind this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there are rows in front of this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first row: the `before` of the page in front.' },
    endCursorFieldOptions: { description: 'The cursor of the last row: the `after` of the next page.' },
    pageInfoTypeOptions: { name: 'PageInfo', description: 'Whether there is more, and from where to go on (Relay).' },
  },
})

builder.queryType({ description: 'What is known: things, their types, and every command that was sent.' })
builder.mutationType({
  description:
    'Each payload holds the object by its name, and `errors`: expected failures are data. Top-level errors are for bad documents and broken infrastructure.',
})
builder.subscriptionType({
  description: 'Over WebSocket (graphql-transport-ws) and SSE (`Accept: text/event-stream`), both on /graphql.',
})

const JSON_LIMITS = 'Nested at most 64 levels; no NUL and no lone surrogates in strings.'

builder.addScalarType('JSON', JSONScalar, { description: `Any JSON value. ${JSON_LIMITS}` })
builder.addScalarType('JSONObject', JSONObjectScalar, { description: `A JSON object. ${JSON_LIMITS}` })
builder.addScalarType('DateTime', DateTimeResolver, {
  description:
    'An instant in RFC 3339, such as 2025-05-28T08:00:00.000Z, to the millisecond. It is the clock of the database.',
})
