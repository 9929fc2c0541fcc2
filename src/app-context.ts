import type { Config } from './base/config.ts'
import type { Logger } from './base/log.ts'
import { createMetrics } from './base/metrics.ts'
import type { Store } from './db/connect.ts'
import { createAdmission } from './domain/admission.ts'
import { createAllowance } from './domain/allowance.ts'
import { createBell } from './domain/bell.ts'
import type { Callers } from './domain/callers.ts'
import type { Context } from './domain/context.ts'
import { createExecutionReader } from './domain/executions.ts'
import { createKeyLookup } from './domain/idempotency.ts'
import { createLive } from './domain/live.ts'
import type { Presence } from './domain/presence.ts'
import { createUnheardMarker } from './domain/publish-execution.ts'
import { createSendLimits } from './domain/rate-limit.ts'
import { createRefusals } from './domain/refusals.ts'
import { createRegistry } from './domain/registry.ts'
import { createSchemaChecks } from './domain/schema-checks.ts'
import { createSignal } from './domain/signal.ts'
import { createExecutionStore } from './domain/store-execution.ts'
import type { Thing } from './domain/thing.ts'
import type { ThingNews } from './domain/thing-news.ts'
import type { Broker } from './mqtt/broker.ts'
import type { MqttGateway } from './mqtt/gateway.ts'
import type { TracingService } from './tracing/start.ts'

export interface Parts {
  commitLagMs: number
  callers: Callers
  gateway: MqttGateway
  broker: Broker | undefined
  presence: Presence
  thingNews: ThingNews
  tracing: TracingService | undefined
}

export function createContext(config: Config, log: Logger, store: Store, parts: Parts): Context {
  const { gateway, broker, presence, thingNews, callers, tracing, commitLagMs } = parts
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
    commitLagMs,
    registry: createRegistry(store.run),
    storeExecution: createExecutionStore(store.run, metrics),
    findExecution: createExecutionReader(store.run),
    findKeyed: createKeyLookup(store.run),
    markUnheard: createUnheardMarker(store),
    publishAgain: createBell(),
    callers,
    admission: createAdmission(config.maxSends),
    sendLimits: createSendLimits(config.rateLimitKey, config.rateLimitThing),
    subscriptions: createAllowance(config.maxSubscriptions),
    schemaChecks: createSchemaChecks(log),
    stopping: createSignal(),
    sending: new Map(),
    heardSettlings: new Set(),
    onThingsChanged: (thing) => tellBroker(broker, presence, thing),
    onSecretChanged: ({ clientId }) => {
      broker?.refreshAccess()
      broker?.dismissClient(clientId)
    },
  }
}

/** A client that was there before its thing was registered is known to the broker already. */
function tellBroker(broker: Broker | undefined, { noteClient }: Presence, { clientId }: Thing): void {
  broker?.refreshAccess()
  if (broker?.hasClient(clientId)) noteClient({ clientId, online: true })
}
