import DataLoader from 'dataloader'
import type { Context } from '../domain/context.ts'
import type { IgnoredResponse } from '../domain/execution.ts'
import { findIgnoredResponses } from '../domain/executions.ts'
import { findThingTypes, type ThingType } from '../domain/thing-types.ts'
import { findThings, type Thing } from '../domain/things.ts'

export interface GraphQLContext {
  domain: Context
  /** One query for each level of a document, however many nodes it has. */
  things: DataLoader<string, Thing | null>
  thingTypes: DataLoader<string, ThingType | null>
  ignoredResponses: DataLoader<string, IgnoredResponse[]>
  /** Aborted when the caller is gone. */
  signal: AbortSignal
}

/** Most operations need none of the loaders, nor the signal: each is made when it is asked for. */
export function createGraphQLContext(domain: Context, makeSignal: () => AbortSignal): GraphQLContext {
  let things: GraphQLContext['things'] | undefined
  let thingTypes: GraphQLContext['thingTypes'] | undefined
  let ignoredResponses: GraphQLContext['ignoredResponses'] | undefined
  let signal: AbortSignal | undefined
  return {
    domain,
    get things() {
      things ??= loadThings(domain)
      return things
    },
    get thingTypes() {
      thingTypes ??= loadThingTypes(domain)
      return thingTypes
    },
    get ignoredResponses() {
      ignoredResponses ??= loadIgnoredResponses(domain)
      return ignoredResponses
    },
    get signal() {
      signal ??= makeSignal()
      return signal
    },
  }
}

// A subscription has one context for as long as it lives: what it loaded must not stay.
const NO_CACHE = { cache: false }

function batch<T>(load: (keys: readonly string[]) => Promise<T[]>, keyOf: (row: T) => string) {
  return new DataLoader<string, T | null>(async (keys) => {
    const rows = new Map((await load([...new Set(keys)])).map((row) => [keyOf(row), row]))
    return keys.map((key) => rows.get(key) ?? null)
  }, NO_CACHE)
}

const loadThings = (domain: Context) =>
  batch(
    (ids) => findThings(domain, ids),
    (thing: Thing) => thing.id,
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
  }, NO_CACHE)
