import type { IncomingMessage, ServerResponse } from 'node:http'
import { contextCacheSymbol, initContextCache } from '@pothos/core'
import { RequestCache } from '@pothos/plugin-scope-auth'
import DataLoader from 'dataloader'
import type { YogaServerInstance } from 'graphql-yoga'
import type { Authority, Caller } from '../domain/access.ts'
import type { Context } from '../domain/context.ts'
import type { IgnoredResponse } from '../domain/execution.ts'
import { findIgnoredResponses } from '../domain/executions.ts'
import type { TraceContext } from '../domain/ports.ts'
import { findPresences, type ThingPresence } from '../domain/presence.ts'
import type { Listen } from '../domain/signal.ts'
import type { Thing } from '../domain/thing.ts'
import { findThingsWithSecret } from '../domain/thing-secrets.ts'
import { findThingTypes, type ThingType } from '../domain/thing-types.ts'
import { findThings } from '../domain/things.ts'
import { builder } from './builder.ts'
import type { ServiceFacts } from './service.ts'

export interface GraphQLContext {
  domain: Context
  about: ServiceFacts
  /** One query for each level of a document, however many nodes it has. */
  things: DataLoader<string, Thing | null>
  /** By the thing's id. */
  presences: DataLoader<string, ThingPresence | null>
  /** By the thing's id; null: it has none. */
  thingSecrets: DataLoader<string, { thingId: string } | null>
  thingTypes: DataLoader<string, ThingType | null>
  ignoredResponses: DataLoader<string, IgnoredResponse[]>
  /** Tells who waits for an outcome that the caller has hung up. */
  onGone: Listen
  caller: Caller
  /** Of the request, for the log; over WebSocket that of the socket. */
  requestId: string | undefined
  /** Of the request's span, where it is traced. */
  traceContext: TraceContext | undefined
  /** Where Pothos keeps what scope-auth found out. */
  [contextCacheSymbol]: object
}

/** A request as http/server.ts hands it over. */
export type TracedRequest = IncomingMessage & { traceContext?: TraceContext }

/** Over HTTP. */
export interface ServerContext {
  req: TracedRequest
  res: ServerResponse
  caller: Caller
}

export type GraphQLServer = YogaServerInstance<ServerContext, GraphQLContext>

export type CreateContext = (onGone: Listen, caller: Caller, traceContext?: TraceContext) => GraphQLContext

/** The loaders serve all operations, which then share their queries, too: they gather, and keep nothing. */
export function createContexts(domain: Context, about: ServiceFacts): CreateContext {
  const things = loadThings(domain)
  const presences = loadPresences(domain)
  const thingSecrets = loadThingSecrets(domain)
  const thingTypes = loadThingTypes(domain)
  const ignoredResponses = loadIgnoredResponses(domain)
  const loaders = { things, presences, thingSecrets, thingTypes, ignoredResponses }
  const scopes = new WeakMap<Authority, object>()
  return (onGone, caller, traceContext) =>
    contextOf(scopes.get(caller.authority) ?? keepScopes(caller.authority), onGone, caller, traceContext)

  function contextOf(kept: object, ...[onGone, caller, traceContext]: Parameters<CreateContext>): GraphQLContext {
    const { requestId } = caller
    return { domain, about, ...loaders, onGone, caller, requestId, traceContext, [contextCacheSymbol]: kept }
  }

  /**
   * What scope-auth finds out depends on the authority only, and is kept by it: found out anew for each request, it is a
   * twentieth of a command. It also keeps the context that it was first asked with: not one of a request, whose socket it would hold.
   */
  function keepScopes(authority: Authority): object {
    const kept = initContextCache()[contextCacheSymbol]
    const nobody = { name: null, address: null, authority }
    RequestCache.fromContext(contextOf(kept, neverGone, nobody), builder)
    scopes.set(authority, kept)
    return kept
  }
}

const neverGone: Listen = () => () => {}

const LOADING = { cache: false, maxBatchSize: 500 }

function batch<T>(load: (keys: readonly string[]) => Promise<T[]>, keyOf: (row: T) => string) {
  return new DataLoader<string, T | null>(async (keys) => {
    const rows = new Map((await load([...new Set(keys)])).map((row) => [keyOf(row), row]))
    return keys.map((key) => rows.get(key) ?? null)
  }, LOADING)
}

const loadThings = (domain: Context) =>
  batch(
    (ids) => findThings(domain, ids),
    (thing: Thing) => thing.id,
  )

const loadPresences = (domain: Context) =>
  batch(
    (ids) => findPresences(domain, ids),
    ({ thingId }) => thingId,
  )

const loadThingSecrets = (domain: Context) =>
  batch(
    (ids) => findThingsWithSecret(domain, ids),
    ({ thingId }) => thingId,
  )

const loadThingTypes = (domain: Context) =>
  batch(
    (names) => findThingTypes(domain, names),
    (type: ThingType) => type.name,
  )

const loadIgnoredResponses = (domain: Context) =>
  new DataLoader<string, IgnoredResponse[]>(async (ids) => {
    const rows = await findIgnoredResponses(domain, ids)
    return ids.map((id) => rows.filter(({ executionId }) => executionId === id))
  }, LOADING)
