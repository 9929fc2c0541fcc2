/** The domain on a real database, without doors: for what is about many executions at once. */
import { inArray, sql } from 'drizzle-orm'
import { createLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { openEmbedded, openPostgres } from '../../src/db/connect.ts'
import { executions } from '../../src/db/schema.ts'
import { createAdmission } from '../../src/domain/admission.ts'
import { createAllowance } from '../../src/domain/allowance.ts'
import { createBell } from '../../src/domain/bell.ts'
import { createCallers } from '../../src/domain/callers.ts'
import type { Context } from '../../src/domain/context.ts'
import type { Execution } from '../../src/domain/execution.ts'
import { createExecutionReader } from '../../src/domain/executions.ts'
import { createKeyLookup } from '../../src/domain/idempotency.ts'
import { createLive } from '../../src/domain/live.ts'
import type { IncomingResponse } from '../../src/domain/ports.ts'
import { createPresence } from '../../src/domain/presence.ts'
import { createUnheardMarker } from '../../src/domain/publish-execution.ts'
import { createSendLimits } from '../../src/domain/rate-limit.ts'
import { createRefusals } from '../../src/domain/refusals.ts'
import { createRegistry } from '../../src/domain/registry.ts'
import { createSchemaChecks } from '../../src/domain/schema-checks.ts'
import { createSignal } from '../../src/domain/signal.ts'
import { createExecutionStore } from '../../src/domain/store-execution.ts'
import { createThingNews } from '../../src/domain/thing-news.ts'
import { createGateway } from '../../src/mqtt/gateway.ts'
import { responseTopic } from '../../src/protocol/topics.ts'
import { type Backend, createBackend } from './backend.ts'

export interface Domain {
  ctx: Context
  backend: Backend
  stop(): Promise<void>
}

/** `backend`: that of another, for a second replica. The gateway is one that has not been started: nothing is published. */
export async function openDomain({ backend, replica }: { backend?: Backend; replica?: string } = {}): Promise<Domain> {
  const engines = backend ?? (await createBackend())
  const { databaseUrl, dataDir, mqttClientId } = engines.settings
  const name = replica ?? mqttClientId
  const log = createLogger('silent')
  const store = databaseUrl ? await openPostgres(databaseUrl, name) : await openEmbedded(dataDir)
  const thingNews = createThingNews({ db: store.db, log, commitLagMs: 0 })
  const presence = createPresence({ run: store.run, log }, thingNews.note)
  const metrics = createMetrics()
  const callers = await createCallers({ db: store.db, log })
  const ctx: Context = {
    db: store.db,
    run: store.run,
    log,
    metrics,
    gateway: createGateway({ link: { kind: 'external', url: 'mqtt://127.0.0.1:1', clientId: name }, log }),
    live: createLive(),
    presence,
    thingNews,
    refusals: createRefusals(log),
    replica: name,
    commitLagMs: 0,
    registry: createRegistry(store.run),
    storeExecution: createExecutionStore(store.run, metrics),
    findExecution: createExecutionReader(store.run),
    findKeyed: createKeyLookup(store.run),
    markUnheard: createUnheardMarker(store),
    publishAgain: createBell(),
    callers,
    admission: createAdmission(5_000),
    sendLimits: createSendLimits(undefined, undefined),
    subscriptions: createAllowance(20_000),
    schemaChecks: createSchemaChecks(log),
    stopping: createSignal(),
    sending: new Map(),
    heardSettlings: new Set(),
    onThingsChanged: () => {},
    onSecretChanged: () => {},
  }
  const stop = async () => {
    await callers.stop()
    await thingNews.stop()
    await presence.stop()
    await ctx.schemaChecks.stop()
    await store.close()
    if (!backend) await engines.dispose()
  }
  return { ctx, backend: engines, stop }
}

/** Open executions of one thing; each expires so many milliseconds from now. */
export async function insertOpen(
  { db }: Pick<Context, 'db'>,
  thingId: string,
  expiresInMs: readonly number[],
): Promise<string[]> {
  const rows = await db
    .insert(executions)
    .values(
      expiresInMs.map((ms) => ({
        id: sql`uuid_v7(clock_timestamp())`,
        thingId,
        action: 'reboot',
        params: {},
        ttl: 1,
        expiresAt: sql`clock_timestamp() + make_interval(secs => ${ms / 1000})`,
      })),
    )
    .returning({ id: executions.id })
  return rows.map(({ id }) => id)
}

export async function readExecutions({ db }: Pick<Context, 'db'>, ids: readonly string[]): Promise<Execution[]> {
  return db
    .select()
    .from(executions)
    .where(inArray(executions.id, [...ids]))
}

/** A response as the gateway hands it over. */
export const incoming = (
  thingId: string,
  executionId: string,
  response: unknown,
  redelivered = false,
): IncomingResponse => ({
  topic: responseTopic({ thingId, executionId }),
  payload: Buffer.from(JSON.stringify(response)),
  redelivered,
})
