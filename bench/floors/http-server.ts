/** What HTTP and GraphQL cost alone: three servers that answer a command at once and do nothing. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type DocumentNode, type GraphQLSchema, parse, validate } from 'graphql'
import { compileQuery, isCompiledQuery } from 'graphql-jit'
import { createSchema, createYoga } from 'graphql-yoga'
import type { Payload } from '../load/documents.ts'
import { readSettings, serveParent } from '../processes/parent.ts'

export interface HttpFloorSettings {
  kind: 'http-json' | 'http-jit' | 'yoga-hello'
}

const ANSWER = { execution: { id: '01979b3e-6d0c-7cc5-a2a5-0e4cf3b1a111', status: 'SUCCEEDED' }, errors: [] }

const SCHEMA = /* GraphQL */ `
  scalar JSONObject
  enum ExecutionStatus { SENT SUCCEEDED FAILED REJECTED TIMED_OUT CANCELED }
  type Execution { id: ID! status: ExecutionStatus! }
  type UserError { code: String! message: String! }
  type SendCommandPayload { execution: Execution errors: [UserError!]! }
  input SendCommandInput {
    thingId: ID! action: String! params: JSONObject ttl: Int idempotencyKey: String wait: Boolean = false
  }
  type Query { hello: String! }
  type Mutation { sendCommand(input: SendCommandInput!): SendCommandPayload! }
`

const LISTENERS: Record<HttpFloorSettings['kind'], () => RequestListener> = {
  'http-json': () => postListener(() => JSON.stringify({ data: { sendCommand: ANSWER } })),
  'http-jit': () => postListener(createJit()),
  'yoga-hello': createYogaHello,
}

await serveParent(async () => {
  const { kind } = readSettings<HttpFloorSettings>()
  const server = createServer(LISTENERS[kind]())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { ready: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql` } }
})

/** Reads a JSON body, and answers what is made of it. */
function postListener(answer: (payload: Payload) => string | Promise<string>): RequestListener {
  return async (req, res) => {
    const body = await answer(JSON.parse(await readBody(req)) as Payload)
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    res.end(body)
  }
}

function readBody(req: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => resolve((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? ''))
    req.on('error', reject)
  })
}

/** Each document is parsed, validated and compiled once. */
function createJit(): (payload: Payload) => Promise<string> {
  const schema = createSchema({ typeDefs: SCHEMA, resolvers: { Mutation: { sendCommand: async () => ANSWER } } })
  const compiled = new Map<string, ReturnType<typeof compile>>()
  return async ({ query, variables }) => {
    const known = compiled.get(query) ?? compile(schema, parse(query))
    compiled.set(query, known)
    return known.stringify(await known.query(undefined, {}, variables ?? {}))
  }
}

function compile(schema: GraphQLSchema, document: DocumentNode) {
  const [problem] = validate(schema, document)
  if (problem) throw problem
  const compiled = compileQuery(schema, document)
  if (!isCompiledQuery(compiled)) throw new Error('the document cannot be compiled')
  return compiled
}

/** As its documentation begins. */
function createYogaHello(): RequestListener {
  return createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: 'type Query { hello: String! }',
      resolvers: { Query: { hello: () => 'world' } },
    }),
  })
}
