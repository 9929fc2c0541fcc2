import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import { createBoundedMap } from '../base/bounded-map.ts'
import { canonicalJson, findJsonProblem, type JsonObject } from '../protocol/json.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'

/** Leaves room for the rest of the request in the 256 KB that a broker takes. */
export const MAX_PARAMS_BYTES = 240 * 1024
const MAX_VIOLATIONS = 50
const MAX_COMPILED = 500

// The module is CommonJS: its default export is on `default` for TypeScript and for Node alike.
const addFormats = addFormatsModule.default

/** Compiled schemas by their text, and by the object that was compiled last time: the registry keeps one for all things of a type. */
const compiled = createBoundedMap<string, ValidateFunction>(MAX_COMPILED)
const compiledLast = new WeakMap<JsonObject, ValidateFunction>()

/** What is wrong with a JSON Schema, or undefined where it can be used. */
export function findSchemaProblem(schema: JsonObject): string | undefined {
  const unstorable = findJsonProblem(schema)
  if (unstorable) return `${unstorable.path.join('.')} ${unstorable.problem}`
  // What it would answer with is a promise, which nobody here waits for.
  if ('$async' in schema) return '$async is not part of JSON Schema'
  try {
    compile(schema)({})
    return undefined
  } catch (error) {
    // The compiled schema called itself on one and the same value.
    if (error instanceof RangeError) return 'it refers to itself without end'
    return error instanceof Error ? error.message : String(error)
  }
}

/** The params of a command as JSON, or why they cannot be stored. */
export function writeParams(params: JsonObject): Outcome<string> {
  const unstorable = findJsonProblem(params)
  if (unstorable) return fail(violation(unstorable.path, unstorable.problem))
  const text = JSON.stringify(params)
  if (Buffer.byteLength(text) > MAX_PARAMS_BYTES) {
    return fail(violation([], `must be at most ${MAX_PARAMS_BYTES} bytes of JSON`))
  }
  return succeed(text)
}

/** What a schema says against params: one error for each violation, its path beginning at `params`. */
export function findViolations(params: JsonObject, schema: JsonObject | null): UserError[] {
  const validate = schema && compile(schema)
  if (!validate || validate(params)) return []
  const errors = (validate.errors ?? []).slice(0, MAX_VIOLATIONS)
  return errors.map((error) => violation(pathOf(error), messageOf(error)))
}

function compile(schema: JsonObject): ValidateFunction {
  const last = compiledLast.get(schema)
  if (last) return last
  const text = canonicalJson(schema)
  const validate = compiled.get(text) ?? compileAnew(schema)
  compiled.set(text, validate)
  compiledLast.set(schema, validate)
  return validate
}

function compileAnew(schema: JsonObject): ValidateFunction {
  // One instance for each schema: an instance keeps every schema it saw, and refuses a second one with the same $id.
  // Own properties only: else every params would have a `constructor`.
  const ajv = new Ajv2020({ allErrors: true, strict: false, ownProperties: true, logger: false })
  addFormats(ajv)
  return ajv.compile(schema)
}

function violation(path: string[], problem: string): UserError {
  return userError('PARAMS_INVALID', ['params', ...path], `${['params', ...path].join('.')} ${problem}`)
}

/** From a JSON Pointer (RFC 6901), with the member that is missing or too much as its last step. */
function pathOf({ instancePath, params }: ErrorObject): string[] {
  const steps = instancePath.split('/').slice(1)
  const member =
    params['missingProperty'] ?? params['additionalProperty'] ?? params['unevaluatedProperty'] ?? params['propertyName']
  const path = steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return typeof member === 'string' ? [...path, member] : path
}

function messageOf({ keyword, message, params }: ErrorObject): string {
  if (keyword === 'required') return 'is required'
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') return 'is not expected here'
  if (keyword === 'enum') return `must be one of ${JSON.stringify(params['allowedValues']).slice(0, 256)}`
  return message ?? `does not satisfy ${keyword}`
}
