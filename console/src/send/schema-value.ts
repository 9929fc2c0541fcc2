/** What each field of a JSON Schema's form is given. */
import { describeRange, type JsonObject } from './schema.ts'

export interface FormContext {
  root: JsonObject
  /** What is wrong at a path within params. */
  errorsAt(path: readonly string[]): string[]
}

export interface ValueProps {
  form: FormContext
  schema: JsonObject
  path: string[]
  name: string
  isRequired: boolean
  value: unknown
  /** undefined: it is not there. */
  onChange(value: unknown): void
}

export function titleOf({ schema, name, isRequired, path, form }: ValueProps) {
  const { title, description } = schema
  const note = [isRequired ? 'required' : undefined, describeRange(schema)].filter(Boolean).join(', ')
  return {
    label: typeof title === 'string' ? title : name,
    note,
    hint: typeof description === 'string' ? description : undefined,
    errors: form.errorsAt(path),
  }
}
