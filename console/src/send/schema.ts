/** JSON Schema (2020-12) as a form sees it. What no form can show is a field of JSON. Pure: no I/O. */

export type JsonObject = Record<string, unknown>

export type Kind = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'choice' | 'json'

/** Deeper than this is written as JSON: schemas may refer to themselves. */
const MAX_DEPTH = 5
export const UNSHOWABLE = ['oneOf', 'anyOf', 'allOf', 'not', 'if', 'prefixItems', 'patternProperties', '$dynamicRef']
const SHOWN_TYPES: readonly Kind[] = ['object', 'array', 'string', 'number', 'integer', 'boolean']

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The schema itself, or what it refers to within the document that it is of. */
export function resolve(schema: unknown, root: JsonObject): JsonObject {
  let found = schema
  for (let hops = 0; hops < 20; hops += 1) {
    if (!isObject(found)) return {}
    const { $ref, ...rest } = found
    if (typeof $ref !== 'string') return found
    const target = follow($ref, root)
    if (!isObject(target)) return { not: {} }
    found = { ...target, ...rest }
  }
  return {}
}

function follow(ref: string, root: JsonObject): unknown {
  if (!ref.startsWith('#')) return undefined
  const steps = ref
    .slice(1)
    .split('/')
    .slice(1)
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
  let at: unknown = root
  for (const step of steps) at = isObject(at) ? at[step] : undefined
  return at
}

export function kindOf(schema: JsonObject, depth: number): Kind {
  if (choicesOf(schema)) return 'choice'
  if (UNSHOWABLE.some((keyword) => keyword in schema)) return 'json'
  const kind = typeOf(schema)
  if (kind === 'object') return isObject(schema['properties']) && depth < MAX_DEPTH ? 'object' : 'json'
  if (kind === 'array') return 'items' in schema && depth < MAX_DEPTH ? 'array' : 'json'
  return kind
}

function typeOf(schema: JsonObject): Kind {
  const types = [schema['type'] ?? guess(schema)].flat().filter((type) => type !== 'null')
  const [only] = types
  return types.length === 1 ? (SHOWN_TYPES.find((kind) => kind === only) ?? 'json') : 'json'
}

function guess(schema: JsonObject): Kind {
  if ('properties' in schema) return 'object'
  if ('items' in schema) return 'array'
  if ('minimum' in schema || 'maximum' in schema) return 'number'
  return 'json'
}

/** The values to choose from, where there are some. */
export function choicesOf(schema: JsonObject): unknown[] | undefined {
  if ('const' in schema) return [schema['const']]
  return Array.isArray(schema['enum']) ? schema['enum'] : undefined
}

/** What is required comes first: the service keeps no order of its own. */
export function propertiesOf(schema: JsonObject): [string, unknown][] {
  const required = requiredOf(schema)
  const members = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  const place = ([name]: [string, unknown]): number =>
    required.includes(name) ? required.indexOf(name) : required.length
  return members.toSorted((a, b) => place(a) - place(b))
}

export const requiredOf = (schema: JsonObject): unknown[] =>
  Array.isArray(schema['required']) ? schema['required'] : []

/** What a form begins with: defaults, what there is only one value for, and objects that must be there. */
export function initialOf(given: unknown, root: JsonObject, isRequired: boolean, depth = 0): unknown {
  const schema = resolve(given, root)
  if ('default' in schema) return schema['default']
  if (isRequired && 'const' in schema) return schema['const']
  if (kindOf(schema, depth) !== 'object') return undefined
  const required = requiredOf(schema)
  const members = propertiesOf(schema)
    .map(([name, member]): [string, unknown] => [name, initialOf(member, root, required.includes(name), depth + 1)])
    .filter(([, value]) => value !== undefined)
  return members.length > 0 || isRequired ? Object.fromEntries(members) : undefined
}

/** What a field asks for, in few words. */
export function describeRange(schema: JsonObject): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength, maxLength } = schema
  const words = [
    between(minimum, maximum),
    exclusiveMinimum !== undefined && `more than ${exclusiveMinimum}`,
    exclusiveMaximum !== undefined && `less than ${exclusiveMaximum}`,
    multipleOf !== undefined && `a multiple of ${multipleOf}`,
    minLength !== undefined || maxLength !== undefined ? `${between(minLength ?? 0, maxLength)} characters` : undefined,
    typeof schema['format'] === 'string' && schema['format'],
    typeof schema['pattern'] === 'string' && `matches ${schema['pattern']}`,
  ]
  return words.filter(Boolean).join(', ') || undefined
}

function between(least: unknown, most: unknown): string | undefined {
  if (least !== undefined && most !== undefined) return `${least} to ${most}`
  if (least !== undefined) return `at least ${least}`
  return most === undefined ? undefined : `at most ${most}`
}
