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
  const things = once(() =>
    batch(
      (ids) => findThings(domain, ids),
      (thing: Thing) => thing.id,
    ),
  )
  const thingTypes = once(() =>
    batch(
      (names) => findThingTypes(domain, names),
      (type: ThingType) => type.name,
    ),
  )
  const ignoredResponses = once(() => loadIgnoredResponses(domain))
  const signal = once(makeSignal)
  return {
    domain,
    get things() {
      return things()
    },
    get thingTypes() {
      return thingTypes()
    },
    get ignoredResponses() {
      return ignoredResponses()
    },
    get signal() {
      return signal()
    },
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
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

const loadIgnoredResponses = (domain: Context) =>
  new DataLoader<string, IgnoredResponse[]>(async (ids) => {
    const rows = await findIgnoredResponses(domain, ids)
    return ids.map((id) => rows.filter(({ executionId }) => executionId === id))
  }, NO_CACHE)
