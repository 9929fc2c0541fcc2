/** A row that becomes one of another kind. Pure: no I/O. */
import { emptyField, type FieldKind, readField, type SchemaField } from './fields.ts'
import { readJson } from './json-text.ts'
import { writeField } from './write-fields.ts'

/** What is said of a value whatever it is. */
const ANNOTATIONS = ['title', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$comment']

export function turnKind(field: SchemaField, kind: FieldKind): SchemaField {
  const { key, name, isRequired, rest } = field
  if (kind === 'json') return { ...field, kind, json: JSON.stringify(writeField(field), null, 2) }
  if (field.kind === 'json') {
    const read = readField(name, readJson(field.json).value ?? {}, isRequired, 1)
    return { ...(read.kind === kind ? read : emptyField(kind)), key, name, isRequired }
  }
  // A default of another kind would be wrong; bounds may be right, and are seen.
  return {
    ...field,
    kind,
    fallback: '',
    rest: Object.fromEntries(Object.entries(rest).filter(([keyword]) => isAnnotation(keyword))),
  }
}

const isAnnotation = (keyword: string): boolean => ANNOTATIONS.includes(keyword) || keyword.startsWith('x-')
