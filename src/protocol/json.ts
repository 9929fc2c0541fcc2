/**
 * What JSON may look like here. Postgres' jsonb refuses NUL and lone surrogates, and a very deep value
 * overflows the stack of whoever serialises it: both are bad input, to be told so at the door.
 * Pure: imports nothing of ours.
 */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export const MAX_JSON_DEPTH = 64

export interface JsonProblem {
  path: string[]
  problem: string
}

/** Where a JSON value cannot be stored, and why: `undefined` when it can. It goes no deeper than the limit, so depth cannot break it. */
export const findJsonProblem = (root: unknown): JsonProblem | undefined => findProblemWithin(root, 0)

/** The path is put together on the way back: most values have no problem, and need none. */
function findProblemWithin(value: unknown, depth: number): JsonProblem | undefined {
  if (depth > MAX_JSON_DEPTH) return { path: [], problem: `is nested deeper than ${MAX_JSON_DEPTH} levels` }
  const problem = scalarProblem(value)
  if (problem) return { path: [], problem }
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return findProblemAmong(value, depth)
  for (const key of Object.keys(value)) {
    if (isUnstorable(key)) return { path: [], problem: 'has a name with a NUL or a lone surrogate in it' }
    const found = findProblemWithin((value as Record<string, unknown>)[key], depth + 1)
    if (found) return { ...found, path: [key, ...found.path] }
  }
  return undefined
}

/** Its places need no names: params can be 120,000 numbers in a row. */
function findProblemAmong(values: readonly unknown[], depth: number): JsonProblem | undefined {
  for (let index = 0; index < values.length; index++) {
    const found = findProblemWithin(values[index], depth + 1)
    if (found) return { ...found, path: [String(index), ...found.path] }
  }
  return undefined
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Fatal: what is no UTF-8 is refused, and not mended. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true })

/** What came as bytes. Throws a SyntaxError where it is no JSON, and another error where it is no text. */
export const decodeJson = (payload: Uint8Array): unknown => JSON.parse(UTF_8.decode(payload))

/** The same text for equal values, whatever the order of their keys: for fingerprints and comparisons. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value) ?? 'null'
  const names = Object.keys(value)
  // To sort takes longer than all the rest, and most have few members, in order already.
  if (!isSorted(names)) names.sort()
  let members = ''
  for (const name of names) members += `${members && ','}${JSON.stringify(name)}:${canonicalJson(value[name])}`
  return `{${members}}`
}

function isSorted(names: readonly string[]): boolean {
  for (let at = 1; at < names.length; at++) if ((names[at - 1] ?? '') > (names[at] ?? '')) return false
  return true
}

function scalarProblem(value: unknown): string | undefined {
  if (typeof value === 'string' && isUnstorable(value)) return 'has a NUL or a lone surrogate in it'
  if (typeof value === 'number' && !Number.isFinite(value)) return 'is not a finite number'
  return undefined
}

const isUnstorable = (text: string): boolean => text.includes('\u0000') || !isWellFormed(text)

/** String.prototype.isWellFormed, which the ES2023 typings do not know yet. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)
