import { setTimeout as delay } from 'node:timers/promises'
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import type { WebSocketServer } from 'ws'
import { type Config, ConfigError, isLoopback } from './base/config.ts'
import type { Logger } from './base/log.ts'
import { createMetrics } from './base/metrics.ts'
import { openEmbedded, openPostgres, STATEMENT_TIMEOUT_MS, type Store } from './db/connect.ts'
import { createPartitionsAhead } from './db/partitions.ts'
import { createAdmission } from './domain/admission.ts'
import { createAllowance } from './domain/allowance.ts'
import { createBell } from './domain/bell.ts'
import { type Callers, createCallers } from './domain/callers.ts'
import type { Context } from './domain/context.ts'
import { createDatabaseState } from './domain/database-state.ts'
import { startExpiry } from './domain/expiry.ts'
import { createLive } from './domain/live.ts'
import type { NewsHandler } from './domain/ports.ts'
import { createPresence, forgetConnected, type Presence } from './domain/presence.ts'
import { createUnheardMarker } from './domain/publish-execution.ts'
import { createSendLimits } from './domain/rate-limit.ts'
import { startReconciling } from './domain/reconcile.ts'
import { createRefusals } from './domain/refusals.ts'
import { createRegistry } from './domain/registry.ts'
import { startPublishingAgain } from './domain/republish.ts'
import { applyResponses } from './domain/responses.ts'
import { createSchemaChecks } from './domain/schema-checks.ts'
import { createStopping } from './domain/stopping.ts'
import { createExecutionStore } from './domain/store-execution.ts'
import type { Thing } from './domain/thing.ts'
import { createThingNews, type ThingNews } from './domain/thing-news.ts'
import { createClientLookup } from './domain/things.ts'
import { partitionWidth, startUpkeep } from './domain/upkeep.ts'
import { type PersistedOperations, readPersistedOperations } from './graphql/persisted.ts'
import { createGraphQL, GRAPHQL_PATH, loadGraphiQLPage } from './graphql/server.ts'
import { serveGraphQLWebSockets } from './graphql/websocket.ts'
import { createConsoleRoutes } from './http/console.ts'
import { SEND_PATH } from './http/rest.ts'
import { createRoutes } from './http/routes.ts'
import { createSockets, listen, type RequestHandler } from './http/server.ts'
import type { Broker } from './mqtt/broker.ts'
import { createGateway, type MqttGateway } from './mqtt/gateway.ts'
import { observeParts } from './observe.ts'
import type { TracingService } from './tracing/start.ts'

/** A running service. */
export interface App {
  /** Where it is reached: http://127.0.0.1:4000. */
  url: string
  /** Whether GraphiQL is there. */
  hasGraphiql: boolean
  /** What it runs on, and where devices connect. */
  database: Store['kind']
  broker: { kind: 'embedded'; host: string; port: number; portWanted: number } | { kind: 'external'; url: string }
  /** Whether anybody who reaches it may do anything: without keys and tokens. */
  isOpen(): boolean
  /** How many listen for changes of executions: subscriptions, and callers that wait. */
  listenerCount(): number
  /**
   * Says 503 at /readyz at once, and still serves for DRAIN_SECONDS. Then it stops in the reverse order of the start; the
   * broker keeps our session, and what comes meanwhile.
   */
  stop(): Promise<void>
}

const MQTT_PATH = '/mqtt'
/** How long callers that wait for an execution (`wait: true`) may do so when the service stops. */
const LAST_WAIT_MS = 3_000
/**
 * What changed that long before `since` may have been committed after it: from the instant that is a row's `updatedAt`,
 * a transaction has at most two statements to go (an idempotency key and its execution).
 */
const COMMIT_LAG_MS = 2 * STATEMENT_TIMEOUT_MS

type Stop = () => unknown

/** Builds the parts in order. Rejects, with nothing left running, where one of them cannot be had. */
export async function startApp(config: Config, log: Logger): Promise<App> {
  const stops: Stop[] = []
  const stop = () => stopAll(stops)
  try {
    return await start(config, log, stops, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(config: Config, log: Logger, stops: Stop[], stop: () => Promise<void>): Promise<App> {
  // A file that cannot be used is told before anything is opened.
  const persisted = config.persistedOperations ? readPersistedOperations(config.persistedOperations) : undefined
  // First, and so the last to stop: what the others still do is traced.
  const tracing = config.tracesUrl ? await traceTo(config.tracesUrl, config, log, stops) : undefined
  const store = await openStore(config)
  stops.push(store.close)
  await createPartitionsAhead(store.db, partitionWidth(config.retentionDays))
  const thingNews = createThingNews({ db: store.db, log, commitLagMs: commitLagOf(store) })
  const presence = createPresence({ run: store.run, log }, thingNews.note)
  // After the broker, whose clients all go then.
  stops.push(thingNews.stop, presence.stop)
  const broker = config.mqttUrl ? undefined : await startEmbeddedBroker(config, log, store, presence)
  if (broker) stops.push(broker.stop)
  const { deployment } = store
  const gateway = createGateway({
    link: linkTo(config, broker),
    log,
    deployment,
    sharedGroup: config.mqttSharedGroup,
    onClient: presence.noteClient,
  })
  const callers = await openToCallers(config, log, store)
  stops.push(callers.stop)
  const ctx = createContext(config, log, store, { gateway, broker, presence, thingNews, callers, tracing })
  stops.push(ctx.schemaChecks.stop)

  // It waits for the gateway, and ends after it: what the broker has not confirmed then is withdrawn, and not waited for.
  stops.push(startPublishingAgain(ctx))
  const news = store.kind === 'postgres' ? hearReplicas(ctx, stops) : undefined
  await gateway.start((responses) => applyResponses(ctx, responses), news)
  stops.push(gateway.stop)
  stops.push(startExpiry(ctx))
  stops.push(startUpkeep(ctx, config.retentionDays))

  const {
    url,
    drain,
    stop: stopListening,
  } = await openDoors(config, ctx, { gateway, broker, store, persisted, trace: tracing?.traceRequest })
  stops.push(stopListening)
  const { listenerCount } = ctx.live
  const { isOpen } = callers
  const drainAndStop = async () => {
    drain()
    await delay(config.drainSeconds * 1000)
    await stop()
  }
  return {
    url,
    hasGraphiql: config.graphiql,
    database: store.kind,
    broker: describeBroker(config, broker),
    isOpen,
    listenerCount,
    stop: drainAndStop,
  }
}

/** Others may work on the same Postgres; the embedded database is ours alone. */
function hearReplicas(ctx: Context, stops: Stop[]): NewsHandler {
  const reconciler = startReconciling(ctx)
  stops.push(reconciler.stop)
  return { onUpdated: (execution) => ctx.live.relay([execution]), onMissed: reconciler.soon }
}

const openStore = ({ databaseUrl, dataDir, mqttClientId }: Config): Promise<Store> =>
  databaseUrl ? openPostgres(databaseUrl, mqttClientId) : openEmbedded(dataDir)

async function traceTo(url: string, { mqttClientId }: Config, log: Logger, stops: Stop[]): Promise<TracingService> {
  // Loaded by those who use it.
  const { startTracing } = await import('./tracing/start.ts')
  const tracing = startTracing({ url, instance: mqttClientId, routes: [GRAPHQL_PATH, SEND_PATH], log })
  stops.push(tracing.stop)
  return tracing
}

const commitLagOf = ({ kind }: Store): number => (kind === 'embedded' ? 0 : COMMIT_LAG_MS)

async function startEmbeddedBroker(
  config: Config,
  log: Logger,
  { db }: Store,
  { noteClient }: Presence,
): Promise<Broker> {
  const { host, mqttPort, mqttClientId } = config
  // Loaded by those who use it.
  const { startBroker } = await import('./mqtt/broker.ts')
  const thingsOfClient = createClientLookup({ db })
  await forgetConnected({ db })
  return startBroker({ host, port: mqttPort, log, serviceClientId: mqttClientId, thingsOfClient, onClient: noteClient })
}

/** What is not configured is closed: without a way to tell callers apart only this machine is served. */
async function openToCallers({ host, jwt }: Config, log: Logger, { db }: Store): Promise<Callers> {
  // Loaded by those who use it.
  const readToken = jwt && (await import('./access/token.ts')).createTokenReader(jwt, log)
  const callers = await createCallers({ db, log }, readToken)
  if (!callers.isOpen() || isLoopback(host)) return callers
  await callers.stop()
  throw new ConfigError(
    `HOST: got ${JSON.stringify(host)} while there is no API key and no JWT_ setting, expected 127.0.0.1, or a key first: fleet-commands keys create --role admin --name me`,
  )
}

function linkTo({ mqttUrl, mqttClientId }: Config, broker: Broker | undefined) {
  if (broker) return broker.link
  return { kind: 'external' as const, url: mqttUrl ?? '', clientId: mqttClientId }
}

interface Parts {
  callers: Callers
  gateway: MqttGateway
  broker: Broker | undefined
  presence: Presence
  thingNews: ThingNews
  tracing: TracingService | undefined
}

function createContext(config: Config, log: Logger, store: Store, parts: Parts): Context {
  const { gateway, broker, presence, thingNews, callers, tracing } = parts
  const metrics = createMetrics()
  return {
    db: store.db,
    run: store.run,
    log,
    metrics,
    gateway,
    live: createLive(gateway.announce),
    presence,
    thingNews,
    tracing: tracing?.tracing,
    refusals: createRefusals(log),
    replica: config.mqttSharedGroup ? `$share/${config.mqttSharedGroup}` : config.mqttClientId,
    commitLagMs: commitLagOf(store),
    registry: createRegistry(store.run),
    storeExecution: createExecutionStore(store.run, metrics),
    markUnheard: createUnheardMarker(store),
    publishAgain: createBell(),
    callers,
    admission: createAdmission(config.maxSends),
    sendLimits: createSendLimits(config.rateLimitKey, config.rateLimitThing),
    subscriptions: createAllowance(config.maxSubscriptions),
    schemaChecks: createSchemaChecks(log),
    stopping: createStopping(),
    sending: new Map(),
    heardSettlings: new Set(),
    onThingsChanged: (thing) => tellBroker(broker, presence, thing),
  }
}

/** A client that was there before its thing was registered is known to the broker already. */
function tellBroker(broker: Broker | undefined, { noteClient }: Presence, { clientId }: Thing): void {
  broker?.refreshAccess()
  if (broker?.hasClient(clientId)) noteClient({ clientId, online: true })
}

interface Engines {
  gateway: MqttGateway
  broker: Broker | undefined
  store: Store
  persisted: PersistedOperations | undefined
  trace: RequestHandler | undefined
}

async function openDoors(config: Config, ctx: Context, { gateway, broker, store, persisted, trace }: Engines) {
  const graphql = createGraphQL(ctx, { explains: config.graphiql, persisted })
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
  })
  const doors = {
    routes,
    graphql: { path: GRAPHQL_PATH, handle: graphql.handle, identify: ctx.callers.identify },
    trace,
    sockets,
    finishSockets,
  }
  const listener = await listen(config, doors, ctx.log)
  const drain = () => {
    isDraining = true
    listener.dismissClients()
  }
  const stop = async () => {
    const lastWait = setTimeout(ctx.stopping.begin, LAST_WAIT_MS)
    await listener.stop()
    clearTimeout(lastWait)
  }
  return { url: listener.url, drain, stop }
}

function describeBroker({ host, mqttPort, mqttUrl }: Config, broker: Broker | undefined): App['broker'] {
  if (broker) return { kind: 'embedded', host, port: broker.port, portWanted: mqttPort }
  const { protocol, host: address } = new URL(mqttUrl ?? '')
  return { kind: 'external', url: `${protocol}//${address}` }
}

async function stopAll(stops: Stop[]): Promise<void> {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop()
}
