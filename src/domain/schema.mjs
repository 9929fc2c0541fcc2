// @ts-check
/**
 * JSON Schemas, compiled and asked. JavaScript, because schema-thread.mjs imports it: a worker thread of Node 20 cannot run
 * TypeScript, and the tests run the service from src/. `tsc` checks it as the rest, and writes it to dist/.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'

/** @typedef {import('ajv/dist/2020.js').ValidateFunction} ValidateFunction */
/** @typedef {import('ajv/dist/2020.js').ErrorObject} ErrorObject */
/** @typedef {{ path: string[], problem: string }} Violation */

const MAX_VIOLATIONS = 50
/** Of all paths and problems together, beyond the first violation: a member's name can be as long as the params. */
const MAX_VIOLATION_CHARS = 64 * 1024
const MAX_PROBLEM_CHARS = 1_024
// Own properties only: else every params would have a `constructor`.
const OPTIONS = { allErrors: true, strict: false, ownProperties: true, logger: /** @type {const} */ (false) }

// The module is CommonJS: its default export is on `default` for TypeScript and for Node alike.
const addFormats = addFormatsModule.default

/** @type {Ajv2020 | undefined} Knows what a schema must look like: to compile that costs more than most schemas. */
let metaSchemas

/**
 * Throws where it is no JSON Schema (2020-12), or refers to something that is not in it.
 * @param {object} schema
 * @returns {ValidateFunction}
 */
export function compile(schema) {
  metaSchemas ??= new Ajv2020(OPTIONS)
  if (!metaSchemas.validateSchema(schema)) throw new Error(`schema is invalid: ${metaSchemas.errorsText()}`)
  // One instance for each schema: an instance keeps every schema it saw, and refuses a second one with the same $id.
  const ajv = new Ajv2020({ ...OPTIONS, validateSchema: false })
  addFormats(ajv)
  return ajv.compile(schema)
}

/**
 * Of a schema without references that was checked when it was defined. Throws where it was not.
 * @param {object} schema
 * @returns {ValidateFunction}
 */
export function compilePlain(schema) {
  const ajv = new Ajv2020({ ...OPTIONS, validateSchema: false, meta: false })
  addFormats(ajv)
  return ajv.compile(schema)
}

/**
 * Why a schema could not be compiled or asked.
 * @param {unknown} error
 */
export function problemOf(error) {
  // The compiled schema called itself on one and the same value, or compiling went from one reference to the next.
  if (error instanceof RangeError) return 'it refers to itself without end, or too deep'
  const problem = error instanceof Error ? error.message : String(error)
  return problem.slice(0, MAX_PROBLEM_CHARS)
}

/**
 * One for each error, with the path of the value from the params.
 * @param {readonly ErrorObject[] | null | undefined} errors
 * @returns {Violation[]}
 */
export function violationsOf(errors) {
  const violations = []
  let chars = 0
  for (const error of (errors ?? []).slice(0, MAX_VIOLATIONS)) {
    const violation = { path: pathOf(error), problem: messageOf(error) }
    chars += violation.problem.length + violation.path.reduce((sum, step) => sum + step.length, 0)
    if (chars > MAX_VIOLATION_CHARS && violations.length > 0) return violations
    violations.push(violation)
  }
  return violations
}

/**
 * From a JSON Pointer (RFC 6901), with the member that is missing or too much as its last step.
 * @param {ErrorObject} error
 */
function pathOf({ instancePath, params }) {
  const steps = instancePath.split('/').slice(1)
  const member =
    params['missingProperty'] ?? params['additionalProperty'] ?? params['unevaluatedProperty'] ?? params['propertyName']
  const path = steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return typeof member === 'string' ? [...path, member] : path
}

/**
 * @param {ErrorObject} error
 * @returns {string}
 */
function messageOf({ keyword, message, params }) {
  if (keyword === 'required') return 'is required'
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') return 'is not expected here'
  if (keyword === 'enum') return `must be one of ${JSON.stringify(params['allowedValues']).slice(0, 256)}`
  return message ?? `does not satisfy ${keyword}`
}
