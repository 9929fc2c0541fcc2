/** The naive pipeline: what a competent newcomer writes in an afternoon, on the very stack of the service. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { drizzle } from 'drizzle-orm/postgres-js'
import type { ExecutionArgs } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { createPubSub, createYoga } from 'graphql-yoga'
import postgres from 'postgres'
import { WebSocketServer } from 'ws'
import { readSettings, serveParent } from '../processes/parent.ts'
import type { NaiveContext } from './context.ts'
import { connectToBroker, takeResponses } from './responses.ts'
import { schema } from './schema.ts'

export interface NaiveSettings {
  databaseUrl: string
  mqttUrl: string
}

const POOL_SIZE = 10

await serveParent(async () => {
  const { databaseUrl, mqttUrl } = readSettings<NaiveSettings>()
  const ctx: NaiveContext = {
    db: drizzle(postgres(databaseUrl, { max: POOL_SIZE })),
    broker: await connectToBroker(mqttUrl),
    events: createPubSub(),
  }
  await takeResponses(ctx)
  return { ready: { url: await listen(ctx) } }
})

async function listen(ctx: NaiveContext): Promise<string> {
  const yoga = createYoga<object, NaiveContext>({ schema, context: ctx, logging: false })
  const server = createServer(yoga)
  serveWebSockets(yoga, new WebSocketServer({ server, path: yoga.graphqlEndpoint }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${yoga.graphqlEndpoint}`
}

type Yoga = ReturnType<typeof createYoga<object, NaiveContext>>
type Operation = ExecutionArgs & Pick<ReturnType<Yoga['getEnveloped']>, 'execute' | 'subscribe'>

/** As Yoga's documentation shows it. */
function serveWebSockets(yoga: Yoga, sockets: WebSocketServer): void {
  useServer(
    {
      execute: (args) => (args as Operation).execute(args),
      subscribe: (args) => (args as Operation).subscribe(args),
      onSubscribe: async (ctx, _id, params) => {
        const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({ ...ctx, params })
        const document = parse(params.query)
        const errors = validate(schema, document)
        if (errors.length > 0) return errors
        const contextValue = await contextFactory()
        const { operationName, variables: variableValues } = params
        return { schema, document, operationName, variableValues, contextValue, execute, subscribe }
      },
    },
    sockets,
  )
}
