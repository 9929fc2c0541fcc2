import type { ValidateFunction } from 'ajv/dist/2020.js'
import { createBoundedMap } from '../base/bounded-map.ts'
import { findJsonProblem, type JsonObject } from '../protocol/json.ts'
import { GAVE_UP } from './check-turns.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import { countPlainParts } from './plain-schema.ts'
import { compilePlain, violationsOf } from './schema.mjs'
import { MAX_CHECK_MS } from './schema-checks.ts'

/** Leaves room for the rest of the request in the 256 KB that a broker takes. */
export const MAX_PARAMS_BYTES = 240 * 1024
/**
 * What is checked without a thread. Compiling so many parts takes 10 to 20 ms, once. A check takes 20 to 200 ns for each
 * part and character where nothing is in order, and 600 on a busy machine: at most 20 ms.
 */
const MAX_PLAIN_CHARS = 16 * 1024
const MAX_PLAIN_PARTS = 200
const MAX_PLAIN_WORK = 32 * 1024
const MAX_PLAIN_SCHEMAS = 500

/** How a schema is asked. `parts`: Infinity where it is not plain. */
interface Plan {
  text: string
  parts: number
  validate?: ValidateFunction
}

/** Of plain schemas, by their text; and of each by the object that was asked last time: the registry keeps one for all things of a type. */
const plainPlans = createBoundedMap<string, Plan>(MAX_PLAIN_SCHEMAS)
const plans = new WeakMap<JsonObject, Plan>()

// The first schema takes several times as long as the next one: it is none of a send.
compilePlain({ type: 'object', properties: { a: { oneOf: [{ enum: [1] }] } }, required: ['a'] })

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

const NONE: readonly UserError[] = []

interface WrittenParams {
  params: JsonObject | null | undefined
  paramsText: string
  /** When their sender came, by performance.now(). */
  since: number
}

/**
 * What a schema says against params: one error for each violation, its path beginning at `params`. At once where that takes
 * little time whatever the params are, else from a thread. Throws NotBegun where its turn does not come in time.
 */
export function findViolations(
  ctx: Pick<Context, 'schemaChecks'>,
  written: WrittenParams,
  schema: JsonObject | null,
): readonly UserError[] | Promise<readonly UserError[]> {
  if (!schema) return NONE
  const plan = plans.get(schema) ?? planAnew(schema)
  if (!plan.validate || plan.parts * written.paramsText.length > MAX_PLAIN_WORK) return askThread(ctx, written, plan)
  if (plan.validate(written.params ?? {})) return NONE
  return violationsOf(plan.validate.errors).map(({ path, problem }) => violation(path, problem))
}

function planAnew(schema: JsonObject): Plan {
  const text = JSON.stringify(schema)
  const plan = plainPlans.get(text) ?? planFor(schema, text)
  if (plan.validate) plainPlans.set(text, plan)
  plans.set(schema, plan)
  return plan
}

function planFor(schema: JsonObject, text: string): Plan {
  const parts = text.length > MAX_PLAIN_CHARS ? Number.POSITIVE_INFINITY : countPlainParts(schema)
  if (parts > MAX_PLAIN_PARTS) return { text, parts }
  try {
    return { text, parts, validate: compilePlain(schema) }
  } catch {
    // The thread says what is wrong with it.
    return { text, parts }
  }
}

async function askThread(
  { schemaChecks }: Pick<Context, 'schemaChecks'>,
  { paramsText, since }: WrittenParams,
  { text }: Plan,
): Promise<readonly UserError[]> {
  const answer = await schemaChecks.checkParams({ schema: text, params: paramsText }, since)
  if (answer === GAVE_UP)
    return [violation([], `could not be checked against the paramsSchema within ${MAX_CHECK_MS / 1000} seconds`)]
  if (answer.problem !== undefined) {
    return [violation([], `cannot be checked, because the paramsSchema cannot be used: ${answer.problem}`)]
  }
  return answer.violations.map(({ path, problem }) => violation(path, problem))
}

function violation(path: string[], problem: string): UserError {
  return userError('PARAMS_INVALID', ['params', ...path], `${['params', ...path].join('.')} ${problem}`)
}
