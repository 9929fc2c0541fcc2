/** Rows as the JSON Schema that they stand for. What cannot be read yet is left out: field-problems.ts tells of it. Pure: no I/O. */
import type { JsonObject } from '../../send/schema.ts'
import { BOUNDS, type Members, present, type SchemaField } from './fields.ts'
import { readJson } from './json-text.ts'

export function writeMembers({ fields, isClosed, otherRequired, rest }: Members): JsonObject {
  const { type, ...others } = rest
  const required = [...fields.filter(({ isRequired }) => isRequired).map(({ name }) => name), ...otherRequired]
  return {
    ...present({ type }),
    ...(fields.length > 0 && {
      properties: Object.fromEntries(fields.map((field) => [field.name, writeField(field)])),
    }),
    ...(required.length > 0 && { required }),
    ...others,
    ...(isClosed && { additionalProperties: false }),
  }
}

export function writeField(field: SchemaField): unknown {
  const { kind, description, rest } = field
  if (kind === 'json') return readJson(field.json).value
  return {
    ...present({ type: kind === 'enum' ? field.choiceType : kind }),
    ...(description !== '' && { description }),
    ...writeKind(field),
    ...rest,
  }
}

function writeKind(field: SchemaField): JsonObject {
  switch (field.kind) {
    case 'object': {
      const { type: _type, ...members } = writeMembers(field.members)
      return members
    }
    case 'array':
      return { ...(field.item && { items: writeField(field.item) }), ...writeBounds(field) }
    case 'enum':
      return { enum: choicesOf(field), ...writeFallback(field) }
    default:
      return { ...writeBounds(field), ...writeFallback(field) }
  }
}

export const choicesOf = ({ choices, choiceType }: SchemaField): unknown[] =>
  linesOf(choices).map((line) => (isNumeric(choiceType) ? numberOf(line) : line))

export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

function writeBounds({ kind, least, most }: SchemaField): JsonObject {
  const [from, to] = BOUNDS[kind] ?? []
  return from && to ? present({ [from]: numberOf(least), [to]: numberOf(most) }) : {}
}

function writeFallback({ kind, fallback, choiceType }: SchemaField): JsonObject {
  if (fallback === '') return {}
  if (kind === 'boolean') return { default: fallback === 'true' }
  return present({ default: isNumeric(kind === 'enum' ? choiceType : kind) ? numberOf(fallback) : fallback })
}

const isNumeric = (type: string | undefined): boolean => type === 'number' || type === 'integer'

/** undefined: there is none, or it is not readable. */
export function numberOf(text: string): number | undefined {
  const number = Number(text.trim().replace(',', '.'))
  return text.trim() !== '' && Number.isFinite(number) ? number : undefined
}
