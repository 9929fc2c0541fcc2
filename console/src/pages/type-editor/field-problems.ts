/** What is wrong with rows, told while they are written. The service has the last word. Pure: no I/O. */
import { check } from '../../send/check.ts'
import { isObject } from '../../send/schema.ts'
import { BOUNDS, type Members, type SchemaField } from './fields.ts'
import { readJson } from './json-text.ts'
import { choicesOf, linesOf, numberOf, writeField } from './write-fields.ts'

export interface DraftProblem {
  /** Which input it is at: `field-3.name`, `commands.0.defaultTtl`. */
  at: string
  message: string
  /** Only missing: told when somebody wants to go on, and not before. */
  isMissing?: boolean
}

export function findMembersProblems({ fields }: Members): DraftProblem[] {
  return fields.flatMap((field) => [...findNameProblems(field, fields), ...findFieldProblems(field)])
}

function findNameProblems({ key, name }: SchemaField, among: readonly SchemaField[]): DraftProblem[] {
  const at = `${key}.name`
  if (name === '') return [{ at, message: 'Give it a name.', isMissing: true }]
  const isTwice = among.some((other) => other.key !== key && other.name === name)
  return isTwice ? [{ at, message: 'Another one has this name.' }] : []
}

function findFieldProblems(field: SchemaField): DraftProblem[] {
  switch (field.kind) {
    case 'json':
      return findJsonProblems(field)
    case 'object':
      return findMembersProblems(field.members)
    case 'array':
      return [...findBoundProblems(field), ...(field.item ? findFieldProblems(field.item) : [])]
    case 'enum':
      return [...findChoiceProblems(field), ...findFallbackProblems(field)]
    default:
      return [...findBoundProblems(field), ...findFallbackProblems(field)]
  }
}

function findJsonProblems({ key, json }: SchemaField): DraftProblem[] {
  const at = `${key}.json`
  if (json.trim() === '') return [{ at, message: 'Write a JSON Schema; {} takes anything.', isMissing: true }]
  const { fault, value } = readJson(json)
  if (fault) return [{ at, message: fault }]
  return isObject(value) || typeof value === 'boolean' ? [] : [{ at, message: 'Expected a JSON Schema: { … }' }]
}

function findBoundProblems({ key, kind, least, most }: SchemaField): DraftProblem[] {
  const isCount = BOUNDS[kind]?.[0] !== 'minimum'
  const wrong = (['least', 'most'] as const).filter((end) => !isBound(end === 'least' ? least : most, isCount))
  if (wrong.length > 0)
    return wrong.map((end) => ({
      at: `${key}.${end}`,
      message: isCount ? 'Expected a whole number from 0.' : 'Expected a number.',
    }))
  const [from, to] = [numberOf(least), numberOf(most)]
  const isReversed = from !== undefined && to !== undefined && from > to
  return isReversed ? [{ at: `${key}.most`, message: `Expected at least ${from}.` }] : []
}

function isBound(text: string, isCount: boolean): boolean {
  if (text.trim() === '') return true
  const bound = numberOf(text)
  return bound !== undefined && (!isCount || (Number.isInteger(bound) && bound >= 0))
}

function findChoiceProblems(field: SchemaField): DraftProblem[] {
  const at = `${field.key}.choices`
  const lines = linesOf(field.choices)
  if (lines.length === 0) return [{ at, message: 'Write what may be chosen, one on each line.', isMissing: true }]
  const twice = lines.find((line, n) => lines.indexOf(line) !== n)
  if (twice !== undefined) return [{ at, message: `${twice} is there twice.` }]
  const values = choicesOf(field)
  const isWrong = (value: unknown) =>
    value === undefined || (field.choiceType === 'integer' && !Number.isInteger(value))
  const wrong = lines.find((_, n) => isWrong(values[n]))
  const wanted = field.choiceType === 'integer' ? 'a whole number' : 'a number'
  return wrong === undefined ? [] : [{ at, message: `Expected ${wanted} on each line, not ${wrong}.` }]
}

function findFallbackProblems(field: SchemaField): DraftProblem[] {
  if (field.fallback === '') return []
  const at = `${field.key}.fallback`
  const schema = writeField(field)
  if (!isObject(schema)) return []
  if (!('default' in schema)) return [{ at, message: 'Expected a number.' }]
  return check(schema, schema, schema['default']).map(({ message }) => ({ at, message }))
}
