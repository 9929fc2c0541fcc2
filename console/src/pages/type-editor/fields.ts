/**
 * A JSON Schema as rows that people fill in. What a row has no place for is kept beside it, and a part that is no row at all
 * is one of JSON: whatever is read comes back when it is written. Pure: no I/O.
 */
import { isObject, type JsonObject, UNSHOWABLE } from '../../send/schema.ts'

export const KINDS = ['string', 'number', 'integer', 'boolean', 'enum', 'object', 'array', 'json'] as const
export type FieldKind = (typeof KINDS)[number]
export type ChoiceType = 'string' | 'number' | 'integer'

/** Of an object, and of params themselves. */
export interface Members {
  fields: readonly SchemaField[]
  /** Names that are not among the fields are refused. */
  isClosed: boolean
  /** Required, and described elsewhere or nowhere. */
  otherRequired: readonly string[]
  /** Keywords that no row shows. */
  rest: JsonObject
}

/** All is kept as typed: what cannot be read yet is still there. */
export interface SchemaField {
  /** Its own while it is edited, whatever it is called. */
  key: string
  name: string
  isRequired: boolean
  kind: FieldKind
  description: string
  /** Bounds of a number, of the length of a text, of how many items. */
  least: string
  most: string
  fallback: string
  /** One on each line. */
  choices: string
  choiceType: ChoiceType | undefined
  members: Members
  /** undefined: of anything. */
  item: SchemaField | undefined
  json: string
  rest: JsonObject
}

/** As deep as a form goes (schema.ts). */
const MAX_DEPTH = 5
const NOT_IN_ROWS = [...UNSHOWABLE, '$ref', 'const', 'dependentSchemas', 'contains', 'unevaluatedProperties']

/** Which keywords bound a value of a kind. */
export const BOUNDS: Partial<Record<FieldKind, readonly [string, string]>> = {
  string: ['minLength', 'maxLength'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  array: ['minItems', 'maxItems'],
}

let keys = 0
const nextKey = (): string => `field-${++keys}`

export const emptyMembers = (): Members => ({
  fields: [],
  isClosed: false,
  otherRequired: [],
  rest: { type: 'object' },
})

export const emptyField = (kind: FieldKind = 'string'): SchemaField => ({
  key: nextKey(),
  name: '',
  isRequired: false,
  kind,
  description: '',
  least: '',
  most: '',
  fallback: '',
  choices: '',
  choiceType: 'string',
  members: emptyMembers(),
  item: undefined,
  json: '',
  rest: {},
})

/** undefined: it says what no rows can, and is JSON. */
export function readMembers(schema: unknown, depth = 0): Members | undefined {
  if (!isObject(schema) || !isOfMembers(schema)) return undefined
  const { properties, required, additionalProperties, ...others } = schema
  const named = Object.entries(isObject(properties) ? properties : {})
  const names = Array.isArray(required) ? required.map(String) : []
  const place = ([name]: [string, unknown]) => (names.includes(name) ? names.indexOf(name) : names.length)
  return {
    fields: named
      .toSorted((a, b) => place(a) - place(b))
      .map(([name, member]) => readField(name, member, names.includes(name), depth + 1)),
    isClosed: additionalProperties === false,
    otherRequired: names.filter((name) => !named.some(([known]) => known === name)),
    rest:
      typeof additionalProperties === 'object' || additionalProperties === true
        ? { ...others, additionalProperties }
        : others,
  }
}

function isOfMembers({ type, properties, required, additionalProperties }: JsonObject): boolean {
  const isTyped = type === 'object' || (type === undefined && properties !== undefined)
  const isNamed =
    required === undefined || (Array.isArray(required) && required.every((name) => typeof name === 'string'))
  const isOpen =
    additionalProperties === undefined || typeof additionalProperties === 'boolean' || isObject(additionalProperties)
  return isTyped && isNamed && isOpen && (properties === undefined || isObject(properties))
}

export function readField(name: string, schema: unknown, isRequired: boolean, depth: number): SchemaField {
  const kind = depth > MAX_DEPTH ? 'json' : kindOfField(schema)
  const field = { ...emptyField(kind), name, isRequired }
  if (kind === 'json' || !isObject(schema)) return { ...field, kind: 'json', json: JSON.stringify(schema, null, 2) }
  const { type, ...said } = schema
  const { description, ...undescribed } = said
  const isDescribed = typeof description === 'string' && description !== ''
  const described = { ...field, description: isDescribed ? description : '', rest: isDescribed ? undescribed : said }
  return readKind(described, type, depth)
}

function kindOfField(schema: unknown): FieldKind {
  if (!isObject(schema) || NOT_IN_ROWS.some((keyword) => keyword in schema)) return 'json'
  const { type } = schema
  if ('enum' in schema) return areChoices(schema['enum'], type) ? 'enum' : 'json'
  if (type === 'object') return isOfMembers(schema) ? 'object' : 'json'
  return KINDS.find((kind) => kind === type && kind !== 'enum' && kind !== 'json') ?? 'json'
}

function areChoices(choices: unknown, type: unknown): boolean {
  if (!Array.isArray(choices) || choices.length === 0 || new Set(choices).size < choices.length) return false
  if (type === 'number') return choices.every((choice) => typeof choice === 'number')
  if (type === 'integer') return choices.every(Number.isInteger)
  const isLine = (choice: unknown) => typeof choice === 'string' && choice.trim() === choice && /^.+$/u.test(choice)
  return (type === undefined || type === 'string') && choices.every(isLine)
}

function readKind(field: SchemaField, type: unknown, depth: number): SchemaField {
  switch (field.kind) {
    case 'enum':
      return readChoices(field, type)
    case 'object': {
      const { properties, required, additionalProperties, ...rest } = field.rest
      const members = readMembers({ type, ...present({ properties, required, additionalProperties }) }, depth)
      return { ...field, members: members ?? field.members, rest }
    }
    case 'array': {
      const { items, ...rest } = field.rest
      const item = items === undefined ? undefined : readField('', items, true, depth + 1)
      return readBounds({ ...field, item, rest })
    }
    default:
      return readFallback(readBounds(field))
  }
}

function readChoices(field: SchemaField, type: unknown): SchemaField {
  const { enum: choices, ...rest } = field.rest
  const choiceType = type === 'string' || type === 'number' || type === 'integer' ? type : undefined
  const lines = Array.isArray(choices) ? choices.map(String) : []
  const read: SchemaField = { ...field, choices: lines.join('\n'), choiceType, rest }
  const { default: fallback, ...others } = rest
  return Array.isArray(choices) && choices.includes(fallback)
    ? { ...read, fallback: String(fallback), rest: others }
    : read
}

function readBounds(field: SchemaField): SchemaField {
  const [least, most] = BOUNDS[field.kind] ?? []
  if (!least || !most) return field
  const { [least]: from, [most]: to, ...rest } = field.rest
  const isBound = (bound: unknown) =>
    typeof bound === 'number' && (least === 'minimum' || (Number.isInteger(bound) && bound >= 0))
  return {
    ...field,
    least: isBound(from) ? String(from) : '',
    most: isBound(to) ? String(to) : '',
    rest: { ...rest, ...present({ [least]: isBound(from) ? undefined : from, [most]: isBound(to) ? undefined : to }) },
  }
}

function readFallback(field: SchemaField): SchemaField {
  const { default: fallback, ...rest } = field.rest
  const isShown = {
    string: typeof fallback === 'string' && /^.+$/u.test(fallback),
    number: typeof fallback === 'number',
    integer: Number.isInteger(fallback),
    boolean: typeof fallback === 'boolean',
  }
  const { kind } = field
  const isOfKind = kind in isShown && isShown[kind as keyof typeof isShown]
  return isOfKind ? { ...field, fallback: String(fallback), rest } : field
}

export const present = (given: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
