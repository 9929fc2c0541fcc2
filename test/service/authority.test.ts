/**
 * Role × operation × scope at each door. The operations are those of the schema: a new one is called as well, and fails here until
 * it has a rule.
 */
import {
  type GraphQLField,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  getNamedType,
  isCompositeType,
  isEnumType,
} from 'graphql'
import { createClient as createSseClient } from 'graphql-sse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { clientWithKey } from '../support/caller.ts'
import type { Client } from '../support/client.ts'
import { type Service, startService } from '../support/service.ts'

type Need = 'read' | 'send' | 'manage' | 'manageAll'

/** What each operation needs. */
const RULES: Record<string, Need> = {
  'query apiKeys': 'manageAll',
  'query auditEvents': 'manageAll',
  'query caller': 'read',
  'query execution': 'read',
  'query executions': 'read',
  'query executionCounts': 'read',
  'query executionStats': 'read',
  'query service': 'read',
  'query thing': 'read',
  'query things': 'read',
  'query thingType': 'read',
  'query thingTypes': 'read',
  'mutation cancelExecution': 'send',
  'mutation createApiKey': 'manageAll',
  'mutation defineThingType': 'manage',
  'mutation deleteThingType': 'manage',
  'mutation deregisterThing': 'manage',
  'mutation registerThing': 'manage',
  'mutation revokeApiKey': 'manageAll',
  'mutation rotateThingSecret': 'manage',
  'mutation sendCommand': 'send',
  'mutation updateThing': 'manage',
  'subscription executionUpdated': 'read',
  'subscription thingUpdated': 'read',
}

const GRANTED: Record<string, readonly Need[]> = {
  viewer: ['read'],
  operator: ['read', 'send'],
  admin: ['read', 'send', 'manage', 'manageAll'],
  'admin of x*': ['read', 'send', 'manage'],
}

const ROOTS = {
  query: schema.getQueryType(),
  mutation: schema.getMutationType(),
  subscription: schema.getSubscriptionType(),
}

const operations = Object.entries(ROOTS).flatMap(([kind, type]) =>
  Object.values(type?.getFields() ?? {}).map((field) => ({ kind, field, name: `${kind} ${field.name}` })),
)

/** A value that fits. Names begin with x, which the narrowed admin's patterns cover. */
function valueFor(type: GraphQLInputType): string {
  if (type instanceof GraphQLNonNull) return valueFor(type.ofType)
  if (type instanceof GraphQLList) return '[]'
  if (isEnumType(type)) return type.getValues()[0]?.name ?? ''
  if (type instanceof GraphQLInputObjectType) {
    const fields = Object.values(type.getFields()).filter((field) => field.type instanceof GraphQLNonNull)
    return `{ ${fields.map((field) => `${field.name}: ${valueFor(field.type)}`).join(', ')} }`
  }
  return { Int: '1', Boolean: 'false', JSONObject: '{}' }[getNamedType(type).name] ?? '"x"'
}

/** With what it requires, and an id where it can have one: then a subscription ends, because there is none. */
function documentOf(kind: string, { name, args, type }: GraphQLField<unknown, unknown>): string {
  const given = args.filter((arg) => arg.type instanceof GraphQLNonNull || arg.name === 'id')
  const text = given.map((arg) => `${arg.name}: ${valueFor(arg.type)}`).join(', ')
  return `${kind} { ${name}${text && `(${text})`} ${isCompositeType(getNamedType(type)) ? '{ __typename }' : ''} }`
}

/** The codes of the top-level errors. */
type Ask = (client: Client, document: string) => Promise<(string | undefined)[]>
interface Answer {
  errors?: readonly { extensions?: { code?: unknown } }[]
}
const codes = (answer: Answer | undefined) => (answer?.errors ?? []).map(({ extensions }) => String(extensions?.code))

const DOORS: Record<string, Ask> = {
  HTTP: async (client, document) => codes(await client.request(document)),
  WebSocket: async (client, document) => {
    const socket = client.webSocket()
    const answer = await socket
      .iterate({ query: document })
      .next()
      .catch((errors: Answer['errors']) => ({ value: { errors } }))
    await socket.dispose()
    return codes(answer.value as Answer)
  },
  SSE: async (client, document) => {
    const sse = createSseClient({
      url: `${client.url}/graphql`,
      retryAttempts: 0,
      headers: { authorization: client.authorization ?? '' },
    })
    const answer = await sse.iterate({ query: document }).next()
    sse.dispose()
    return codes(answer.value as Answer)
  },
}

let service: Service
const clients: Record<string, Client> = {}

beforeAll(async () => {
  service = await startService()
  const admin = await clientWithKey(service, { role: 'ADMIN' })
  clients['admin'] = admin
  clients['viewer'] = await clientWithKey(admin, { role: 'VIEWER' })
  clients['operator'] = await clientWithKey(admin, { role: 'OPERATOR' })
  clients['admin of x*'] = await clientWithKey(admin, { role: 'ADMIN', thingTypes: ['x*'] })
})

afterAll(() => service.stop())

it('has a rule for each operation, in the schema and here', () => {
  expect(operations.map(({ name }) => name).toSorted()).toEqual(Object.keys(RULES).toSorted())
  for (const { name, field } of operations) {
    const { authScopes } = (field.extensions['pothosOptions'] ?? {}) as { authScopes?: unknown }
    expect([name, authScopes]).toEqual([name, { [RULES[name] ?? '']: true }])
  }
})

describe.each(Object.entries(GRANTED))('%s', (who, granted) => {
  describe.each(Object.entries(DOORS))('over %s', (door, ask) => {
    // Subscriptions are for the two doors that have them, and HTTP without a stream refuses them for what it is.
    const possible = operations.filter(({ kind }) => kind !== 'subscription' || door !== 'HTTP')
    it.each(possible)('$name', async ({ kind, field, name }) => {
      const client = clients[who]
      if (!client) throw new Error(`nobody is called ${who}`)
      const isForbidden = (await ask(client, documentOf(kind, field))).includes('FORBIDDEN')
      const need = RULES[name] ?? 'read'
      // A thing without a type is beyond whoever is narrowed to types.
      const isBeyond = who === 'admin of x*' && name === 'mutation registerThing'
      expect(isForbidden).toBe(!granted.includes(need) || isBeyond)
    })
  })

  it('over REST', async () => {
    const authorization = clients[who]?.authorization ?? ''
    const headers = { 'content-type': 'application/json', authorization }
    const url = `${service.url}/api/v1`
    const statuses = await Promise.all([
      fetch(`${url}/commands`, { method: 'POST', headers, body: JSON.stringify({ thingId: 'nobody', action: 'x' }) }),
      fetch(`${url}/commands/x`, { headers }),
      fetch(`${url}/commands`, { headers }),
      fetch(`${url}/openapi.json`, { headers }),
      fetch(`${service.url}/metrics`, { headers }),
    ])
    const sending = granted.includes('send') ? 404 : 403
    expect(statuses.map(({ status }) => status)).toEqual([sending, 404, 200, 200, who === 'admin of x*' ? 403 : 200])
  })
})
