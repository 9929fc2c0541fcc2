import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import type { WebSocketServer } from 'ws'
import type { BrokerFacts } from './app-broker.ts'
import type { Certificates } from './base/certificates.ts'
import { trustProxies } from './base/client-address.ts'
import type { Config } from './base/config.ts'
import type { Store } from './db/connect.ts'
import type { Context } from './domain/context.ts'
import { createDatabaseState } from './domain/database-state.ts'
import type { PersistedOperations } from './graphql/persisted.ts'
import { createGraphQL, GRAPHQL_PATH, loadGraphiQLPage } from './graphql/server.ts'
import type { ServiceFacts } from './graphql/service.ts'
import { serveGraphQLWebSockets } from './graphql/websocket.ts'
import { createConsoleRoutes } from './http/console.ts'
import { createRoutes } from './http/routes.ts'
import { createSockets, listen, type RequestHandler } from './http/server.ts'
import type { Broker } from './mqtt/broker.ts'
import type { MqttGateway } from './mqtt/gateway.ts'
import { observeParts } from './observe.ts'
import { VERSION } from './version.ts'

const MQTT_PATH = '/mqtt'
/** How long callers that wait for an execution (`wait: true`) may do so when the service stops. */
const LAST_WAIT_MS = 3_000

export interface Engines {
  certificates: Certificates
  gateway: MqttGateway
  broker: Broker | undefined
  brokerFacts: BrokerFacts
  store: Store
  persisted: PersistedOperations | undefined
  trace: RequestHandler | undefined
}

export async function openDoors(config: Config, ctx: Context, engines: Engines) {
  const { gateway, broker, store, persisted, trace } = engines
  const about = describeService(config, engines.brokerFacts)
  const graphql = createGraphQL(ctx, { explains: config.graphiql, persisted, about })
  const graphqlSockets = createSockets(GRAPHQL_TRANSPORT_WS_PROTOCOL)
  const finishSockets = serveGraphQLWebSockets(graphql, graphqlSockets, ctx)
  const sockets: Record<string, WebSocketServer> = { [GRAPHQL_PATH]: graphqlSockets }
  if (broker) {
    const mqttSockets = createSockets('mqtt')
    mqttSockets.on('connection', broker.handleWebSocket)
    sockets[MQTT_PATH] = mqttSockets
  }
  const database = createDatabaseState(ctx)
  observeParts({ ctx, gateway, database, databaseUsage: store.usage, sockets })
  let isDraining = false
  const routes = createRoutes(ctx, {
    database,
    brokerProblem: gateway.problem,
    isDraining: () => isDraining,
    console: await createConsoleRoutes(),
    page: config.graphiql ? loadGraphiQLPage : undefined,
    graphqlPath: GRAPHQL_PATH,
    mqttAuthSecret: config.mqttAuthSecret,
  })
  const doors = {
    routes,
    graphql: { path: GRAPHQL_PATH, handle: graphql.handle, identify: ctx.callers.identify },
    trace,
    sockets,
    finishSockets,
  }
  const listener = await listen(
    { ...config, certificate: engines.certificates.https, proxies: trustProxies(config.trustedProxies) },
    doors,
    ctx.log,
  )
  const drain = () => {
    isDraining = true
    listener.dismissClients()
  }
  const stop = async () => {
    const lastWait = setTimeout(ctx.stopping.raise, LAST_WAIT_MS)
    await listener.stop()
    clearTimeout(lastWait)
  }
  return { url: listener.url, drain, stop }
}

function describeService({ graphiql }: Config, broker: BrokerFacts): ServiceFacts {
  const facts = { version: VERSION, isGraphiqlOn: graphiql }
  if (broker.kind === 'external')
    return { ...facts, broker: { isEmbedded: false, url: broker.url, webSocketPath: null, requiresSecrets: null } }
  const { host, port, tls, needsSecrets: requiresSecrets } = broker
  const url = new URL(tls ? 'mqtts://host' : 'mqtt://host')
  url.hostname = host.includes(':') ? `[${host}]` : host
  url.port = String(tls?.port ?? port)
  return { ...facts, broker: { isEmbedded: true, url: url.href, webSocketPath: MQTT_PATH, requiresSecrets } }
}
