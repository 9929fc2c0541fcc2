import { setTimeout as delay } from 'node:timers/promises'
import { type BrokerFacts, describeBroker, linkTo, startEmbeddedBroker } from './app-broker.ts'
import { createContext } from './app-context.ts'
import { openDoors } from './app-doors.ts'
import { followCertificates } from './base/certificates.ts'
import { type Config, ConfigError } from './base/config.ts'
import type { Logger } from './base/log.ts'
import { isLoopback } from './base/loopback.ts'
import { openEmbedded, openPostgres, STATEMENT_TIMEOUT_MS, type Store } from './db/connect.ts'
import { createPartitionsAhead } from './db/partitions.ts'
import { type Callers, createCallers } from './domain/callers.ts'
import type { Context } from './domain/context.ts'
import { startExpiry } from './domain/expiry.ts'
import type { NewsHandler } from './domain/ports.ts'
import { createPresence } from './domain/presence.ts'
import { startReconciling } from './domain/reconcile.ts'
import { startPublishingAgain } from './domain/republish.ts'
import { applyResponses } from './domain/responses.ts'
import { startRollUp } from './domain/roll-up.ts'
import { createThingNews } from './domain/thing-news.ts'
import { partitionWidth, startUpkeep } from './domain/upkeep.ts'
import { readPersistedOperations } from './graphql/persisted.ts'
import { GRAPHQL_PATH } from './graphql/server.ts'
import { SEND_PATH } from './http/rest.ts'
import { createGateway } from './mqtt/gateway.ts'
import type { TracingService } from './tracing/start.ts'

/** A running service. */
export interface App {
  /** Where it is reached: http://127.0.0.1:4000. */
  url: string
  /** Whether GraphiQL is there. */
  hasGraphiql: boolean
  /** What it runs on, and where devices connect. */
  database: Store['kind']
  broker: BrokerFacts
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
  const certificates = followCertificates(config, log)
  stops.push(certificates.stop)
  const store = await openStore(config)
  stops.push(store.close)
  await createPartitionsAhead(store.db, partitionWidth(config.retentionDays))
  const commitLagMs = commitLagOf(store)
  const thingNews = createThingNews({ db: store.db, log, commitLagMs })
  const presence = createPresence({ run: store.run, log }, thingNews.note)
  // After the broker, whose clients all go then.
  stops.push(thingNews.stop, presence.stop)
  const broker = config.mqttUrl ? undefined : await startEmbeddedBroker(config, log, { certificates, store, presence })
  if (broker) stops.push(broker.stop)
  const { deployment } = store
  const gateway = createGateway({
    link: linkTo(config, broker, certificates),
    log,
    deployment,
    sharedGroup: config.mqttSharedGroup,
    onClient: presence.noteClient,
  })
  const callers = await openToCallers(config, log, store)
  stops.push(callers.stop)
  const ctx = createContext(config, log, store, {
    gateway,
    broker,
    presence,
    thingNews,
    callers,
    tracing,
    commitLagMs,
  })
  stops.push(ctx.schemaChecks.stop)

  // It waits for the gateway, and ends after it: what the broker has not confirmed then is withdrawn, and not waited for.
  stops.push(startPublishingAgain(ctx))
  const news = store.kind === 'postgres' ? hearReplicas(ctx, stops) : undefined
  await gateway.start((responses) => applyResponses(ctx, responses), news)
  stops.push(gateway.stop)
  stops.push(startExpiry(ctx))
  stops.push(startUpkeep(ctx, config.retentionDays))
  stops.push(startRollUp(ctx))

  const brokerFacts = describeBroker(config, broker)
  const {
    url,
    drain,
    stop: stopListening,
  } = await openDoors(config, ctx, {
    certificates,
    gateway,
    broker,
    brokerFacts,
    store,
    persisted,
    trace: tracing?.traceRequest,
  })
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
    broker: brokerFacts,
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

async function stopAll(stops: Stop[]): Promise<void> {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop()
}
