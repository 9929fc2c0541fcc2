/** A JSON Schema as lines to be read, each about one value. Pure: no I/O. */
import {
  choicesOf,
  describeRange,
  isObject,
  type JsonObject,
  kindOf,
  propertiesOf,
  requiredOf,
  resolve,
} from '../../send/schema.ts'

export interface SchemaLine {
  /** ["schedule", "[]", "from"] */
  path: string[]
  type: string
  range: string | undefined
  isRequired: boolean
  fallback: string | undefined
  description: string | undefined
}

/** undefined: it is of no object with named members, and is read as JSON. */
export function describeSchema(root: JsonObject): SchemaLine[] | undefined {
  const schema = resolve(root, root)
  return kindOf(schema, 0) === 'object' ? describeMembers(schema, root, []) : undefined
}

function describeMembers(schema: JsonObject, root: JsonObject, path: string[]): SchemaLine[] {
  const required = requiredOf(schema)
  return propertiesOf(schema).flatMap(([name, member]) =>
    describeValue(member, root, [...path, name], required.includes(name)),
  )
}

function describeValue(given: unknown, root: JsonObject, path: string[], isRequired: boolean): SchemaLine[] {
  const schema = resolve(given, root)
  const { description } = schema
  const line: SchemaLine = {
    path,
    type: typeOf(schema, root, path.length),
    range: describeRange(schema) ?? countOf(schema),
    isRequired,
    fallback: 'default' in schema ? JSON.stringify(schema['default']) : undefined,
    description: typeof description === 'string' ? description : undefined,
  }
  return [line, ...describeInside(schema, root, path)]
}

function describeInside(schema: JsonObject, root: JsonObject, path: string[]): SchemaLine[] {
  const kind = kindOf(schema, path.length)
  if (kind === 'object') return describeMembers(schema, root, path)
  if (kind !== 'array') return []
  return describeInside(resolve(schema['items'], root), root, [...path, '[]'])
}

function typeOf(schema: JsonObject, root: JsonObject, depth: number): string {
  const kind = kindOf(schema, depth)
  switch (kind) {
    case 'choice':
      return `one of ${(choicesOf(schema) ?? []).map((choice) => JSON.stringify(choice)).join(', ')}`
    case 'array':
      return `array of ${typeOf(resolve(schema['items'], root), root, depth + 1)}`
    case 'json':
      return typesOf(schema)
    default:
      return kind
  }
}

const typesOf = ({ type }: JsonObject): string =>
  [type].flat().every((one) => typeof one === 'string') ? [type].flat().join(' or ') : 'as in the JSON'

function countOf({ minItems, maxItems }: JsonObject): string | undefined {
  const words = [minItems !== undefined && `at least ${minItems}`, maxItems !== undefined && `at most ${maxItems}`]
  const said = words.filter(Boolean).join(', ')
  return said === '' ? undefined : `${said} items`
}

/** What it says of others than the named ones. */
export const isClosed = (schema: JsonObject): boolean =>
  isObject(schema) && (schema['additionalProperties'] === false || schema['unevaluatedProperties'] === false)
