/** Schemas and params that cost whoever checks them much more than they weigh. */

export interface Hostile {
  name: string
  schema: Record<string, unknown>
  params: Record<string, unknown>
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)
const KB = 1024

/** Each refers to the next one twice: 2^`levels` visits. */
const doubling = (levels: number): Record<string, unknown> => ({
  $defs: inARow(levels, (next) => ({ allOf: times(2, next) })),
})

/** d0 refers to d1, and so on. */
function inARow(count: number, refer: (next: { $ref: string }) => Record<string, unknown>): Record<string, unknown> {
  const definitions = Array.from({ length: count }, (_, n) => [`d${n}`, refer({ $ref: `#/$defs/d${n + 1}` })] as const)
  return { ...Object.fromEntries(definitions), [`d${count}`]: { type: 'object' } }
}

const nested = (levels: number): Record<string, unknown> => (levels === 0 ? {} : { next: nested(levels - 1) })

/** Those that can be defined: they take their time when they are asked. */
export const HOSTILE_PARAMS: Hostile[] = [
  {
    name: 'a pattern that backtracks',
    schema: { properties: { a: { pattern: '^(a+)+$' } } },
    params: { a: `${'a'.repeat(50)}!` },
  },
  {
    name: 'a pattern of names that backtracks',
    schema: { patternProperties: { '^(\\w|\\d)*$': { type: 'string' } } },
    params: { [`${'1'.repeat(60)}!`]: 1 },
  },
  {
    name: 'propertyNames that backtrack',
    schema: { propertyNames: { pattern: '^(x?x?)*y$' } },
    params: { ['x'.repeat(60)]: 1 },
  },
  {
    name: 'references that double',
    schema: { ...doubling(40), properties: { a: { $ref: '#/$defs/d0' } } },
    params: { a: {} },
  },
  {
    name: 'references that double with each level of the params',
    schema: {
      $defs: { node: { anyOf: times(2, { properties: { next: { $ref: '#/$defs/node' } }, required: ['never'] }) } },
      properties: { next: { $ref: '#/$defs/node' } },
    },
    params: nested(60),
  },
  {
    name: 'dynamic references that double',
    schema: {
      $dynamicAnchor: 'node',
      properties: { next: { allOf: times(2, { $dynamicRef: '#node' }) } },
    },
    params: nested(60),
  },
  {
    name: 'uniqueItems among many objects',
    schema: { properties: { list: { uniqueItems: true } } },
    params: { list: Array.from({ length: 20_000 }, (_, n) => ({ n })) },
  },
  {
    name: 'an email of 240 KB',
    schema: { properties: { a: { format: 'email' } } },
    params: { a: `a@${'a'.repeat(239 * KB)}` },
  },
  {
    name: 'more errors than fit into memory',
    schema: { properties: { list: { items: { allOf: times(300, { type: 'string' }) } } } },
    params: { list: times(119_000, 0) },
  },
]

/** Those that take their time when they are compiled, or asked for the first time. */
export const HOSTILE_DEFINITIONS: Omit<Hostile, 'params'>[] = [
  { name: 'references that double', schema: { ...doubling(40), $ref: '#/$defs/d0' } },
  { name: '240 KB of subschemas', schema: { allOf: times(20_000, { not: {} }) } },
  {
    name: 'thousands of references in a row',
    schema: { $defs: inARow(4_000, (next) => ({ properties: { a: next } })), $ref: '#/$defs/d0' },
  },
  { name: '240 KB of members that are no schemas', schema: { properties: times(60_000, 0) } },
]
