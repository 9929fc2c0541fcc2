/**
 * Which schemas are asked without a thread: those of which is known what they cost. Without references each of their parts
 * looks at a value once, in a time that grows with its length and no faster.
 */
import type { Json } from '../protocol/json.ts'

const ANNOTATIONS = new Set([
  '$comment',
  '$id',
  'default',
  'deprecated',
  'description',
  'examples',
  'readOnly',
  'title',
  'writeOnly',
])
const ASSERTIONS = new Set([
  'const',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'maximum',
  'maxItems',
  'maxLength',
  'maxProperties',
  'minimum',
  'minItems',
  'minLength',
  'minProperties',
  'multipleOf',
  'required',
  'type',
])
const OF_ONE_SCHEMA = new Set(['additionalProperties', 'else', 'if', 'items', 'not', 'then'])
const OF_SCHEMAS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'properties'])
/** Those whose expressions go through a text once. */
const FORMATS = new Set<unknown>(['date', 'date-time', 'ipv4', 'time', 'uuid'])
const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** How many parts a schema has, down to the members of an `enum`; Infinity where one of them is not plain. */
export function countPlainParts(schema: Json | undefined): number {
  if (typeof schema !== 'object' || schema === null) return typeof schema === 'boolean' ? 1 : Infinity
  return sum(Object.entries(schema).map(([keyword, value]) => countPartsOf(keyword, value)))
}

function countPartsOf(keyword: string, value: Json): number {
  if (ANNOTATIONS.has(keyword) || keyword.startsWith('x-')) return 0
  if (ASSERTIONS.has(keyword)) return 1 + countValues(value)
  if (OF_ONE_SCHEMA.has(keyword)) return 1 + countPlainParts(value)
  if (OF_SCHEMAS.has(keyword)) return 1 + sum(childrenOf(value).map((child) => 1 + countPlainParts(child)))
  if (keyword === 'format') return FORMATS.has(value) ? 1 : Infinity
  return keyword === '$schema' && value === DIALECT ? 0 : Infinity
}

const countValues = (value: Json): number => 1 + sum(childrenOf(value).map(countValues))

const childrenOf = (value: Json): Json[] => (typeof value === 'object' && value !== null ? Object.values(value) : [])

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
