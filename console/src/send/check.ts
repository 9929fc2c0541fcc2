/** What is wrong with params, told while they are written. The service has the last word, and knows all of JSON Schema. Pure: no I/O. */
import { choicesOf, isObject, type JsonObject, kindOf, propertiesOf, requiredOf, resolve } from './schema.ts'

export interface Problem {
  /** Within params: ["schedule", "0", "from"]. */
  path: string[]
  message: string
  /** It is only missing: told when somebody wants to send, and not before. */
  isMissing?: boolean
}

export function check(given: unknown, root: JsonObject, value: unknown, path: string[] = []): Problem[] {
  const schema = resolve(given, root)
  const told = (message: string | undefined | false): Problem[] => (message ? [{ path, message }] : [])
  switch (kindOf(schema, path.length)) {
    case 'choice':
      return told(!isChoice(schema, value) && 'Choose one of the values.')
    case 'object':
      return isObject(value) ? checkMembers(schema, root, value, path) : told('Expected an object.')
    case 'array':
      return Array.isArray(value) ? checkItems(schema, root, value, path) : told('Expected a list.')
    case 'string':
      return told(typeof value === 'string' ? checkString(schema, value) : 'Expected text.')
    case 'number':
      return told(typeof value === 'number' ? checkNumber(schema, value) : 'Expected a number.')
    case 'integer':
      return told(Number.isInteger(value) ? checkNumber(schema, Number(value)) : 'Expected a whole number.')
    case 'boolean':
      return told(typeof value !== 'boolean' && 'Choose yes or no.')
    default:
      return []
  }
}

const isChoice = (schema: JsonObject, value: unknown): boolean =>
  (choicesOf(schema) ?? []).some((choice) => JSON.stringify(choice) === JSON.stringify(value))

function checkMembers(schema: JsonObject, root: JsonObject, value: JsonObject, path: string[]): Problem[] {
  const required = requiredOf(schema)
  return propertiesOf(schema).flatMap(([name, member]) => {
    const one = value[name]
    if (one !== undefined) return check(member, root, one, [...path, name])
    return required.includes(name) ? [{ path: [...path, name], message: 'This is required.', isMissing: true }] : []
  })
}

function checkItems(schema: JsonObject, root: JsonObject, value: unknown[], path: string[]): Problem[] {
  const { minItems, maxItems, items } = schema
  const own: Problem[] = []
  if (typeof minItems === 'number' && value.length < minItems)
    own.push({ path, message: `Expected at least ${minItems} items.`, isMissing: true })
  if (typeof maxItems === 'number' && value.length > maxItems)
    own.push({ path, message: `Expected at most ${maxItems} items.` })
  return [...own, ...value.flatMap((one, n) => check(items, root, one, [...path, String(n)]))]
}

function checkString({ minLength, maxLength, pattern }: JsonObject, value: string): string | undefined {
  const length = [...value].length
  if (typeof minLength === 'number' && length < minLength) return `Expected at least ${minLength} characters.`
  if (typeof maxLength === 'number' && length > maxLength) return `Expected at most ${maxLength} characters.`
  if (typeof pattern === 'string' && !matches(pattern, value)) return `Expected what matches ${pattern}.`
  return undefined
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value)
  } catch {
    return true
  }
}

function checkNumber(schema: JsonObject, value: number): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  if (typeof minimum === 'number' && value < minimum) return `Expected at least ${minimum}.`
  if (typeof maximum === 'number' && value > maximum) return `Expected at most ${maximum}.`
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum)
    return `Expected more than ${exclusiveMinimum}.`
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum)
    return `Expected less than ${exclusiveMaximum}.`
  return undefined
}
