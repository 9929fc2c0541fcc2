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

export function createGraphQLContext(domain: Context, signal: AbortSignal): GraphQLContext {
  return {
    domain,
    things: batch(
      (ids) => findThings(domain, ids),
      (thing) => thing.id,
    ),
    thingTypes: batch(
      (names) => findThingTypes(domain, names),
      (type) => type.name,
    ),
    ignoredResponses: new DataLoader(async (ids) => {
      const rows = await findIgnoredResponses(domain, ids)
      return ids.map((id) => rows.filter(({ executionId }) => executionId === id))
    }, NO_CACHE),
    signal,
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
