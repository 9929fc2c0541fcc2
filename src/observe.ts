/** What `/metrics` looks up in the parts when it is asked: nothing of it costs anything in between. */
import type { WebSocketServer } from 'ws'
import { addCounter, addCounterBy, addGauge, addGaugeBy, collectProcessMetrics } from './base/metrics.ts'
import type { Usage } from './db/connect.ts'
import type { Context } from './domain/context.ts'
import { beginCounting, IGNORED_CAUSES, REFUSED_CAUSES } from './domain/count.ts'
import { type DatabaseState, MAX_OPEN_COUNTED } from './domain/database-state.ts'
import type { RefusalCause, Refusals } from './domain/refusals.ts'
import type { MqttGateway } from './mqtt/gateway.ts'

export interface Parts {
  ctx: Context
  gateway: MqttGateway
  database: DatabaseState
  /** Of a Postgres. */
  databaseUsage: (() => Usage) | undefined
  /** By their paths. */
  sockets: Record<string, WebSocketServer>
}

export function observeParts({ ctx, gateway, database, databaseUsage, sockets }: Parts): void {
  beginCounting(ctx.metrics)
  collectProcessMetrics(ctx.metrics)
  observeResponses(ctx, gateway)
  observeBroker(ctx, gateway)
  observeDatabase(ctx, database, databaseUsage)
  observeListeners(ctx, sockets)
}

function observeResponses({ metrics, refusals }: Context, gateway: MqttGateway): void {
  addCounterBy(
    metrics,
    'responses_ignored_total',
    'Valid responses to an execution that was settled before, by cause.',
    'cause',
    () => totalsOf(refusals, IGNORED_CAUSES),
  )
  addCounterBy(
    metrics,
    'responses_refused_total',
    'Messages on response topics that were no answer of that thing, by cause.',
    'cause',
    () => totalsOf(refusals, REFUSED_CAUSES),
  )
  addGauge(
    metrics,
    'responses_waiting',
    'Responses that are here and not acknowledged, because they are not committed yet.',
    gateway.waitingResponses,
  )
}

function observeBroker({ metrics }: Context, gateway: MqttGateway): void {
  addGauge(metrics, 'broker_up', '1 while requests can be published and their responses are heard, else 0.', () =>
    gateway.isAvailable() ? 1 : 0,
  )
  addCounter(
    metrics,
    'broker_connections_total',
    'How often the link to the broker came up: once at the start, and after each loss.',
    gateway.connectionCount,
  )
}

function observeDatabase({ metrics }: Context, database: DatabaseState, usage: Parts['databaseUsage']): void {
  addGauge(metrics, 'database_up', '1 while the database answers in time, else 0.', async () =>
    (await database.isUp()) ? 1 : 0,
  )
  addGauge(
    metrics,
    'open_executions',
    `Executions that are SENT, of all replicas; at most ${MAX_OPEN_COUNTED} are counted, and the number may be ten seconds old.`,
    database.openExecutions,
  )
  if (!usage) return
  addGaugeBy(
    metrics,
    'database_connections',
    'Connections to Postgres: those that are open, and how many there may be.',
    'state',
    () => ({ open: usage().open, most: usage().most }),
  )
  addGauge(
    metrics,
    'database_statements_under_way',
    'Batches of sends, responses and timeouts that wait for the database.',
    () => usage().statements,
  )
}

function observeListeners({ metrics, live }: Context, sockets: Parts['sockets']): void {
  addGauge(
    metrics,
    'listeners',
    'Who waits for changes of executions: subscriptions, and callers with `wait: true`.',
    live.listenerCount,
  )
  addGaugeBy(metrics, 'websocket_connections', 'Open WebSockets, by their path.', 'path', () =>
    Object.fromEntries(Object.entries(sockets).map(([path, { clients }]) => [path, clients.size])),
  )
}

function totalsOf(refusals: Refusals, causes: readonly RefusalCause[]): Record<string, number> {
  const totals = refusals.totals()
  return Object.fromEntries(causes.map((cause) => [cause, totals[cause] ?? 0]))
}
