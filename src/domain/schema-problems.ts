import { findJsonProblem, type JsonObject } from '../protocol/json.ts'
import { GAVE_UP } from './check-turns.ts'
import type { Context } from './context.ts'
import { MAX_CHECK_MS } from './schema-checks.ts'

/** Of all schemas of a definition together. */
const MAX_DEFINITION_MS = 5_000

/** Of one definition. */
export interface CheckClock {
  /** When it came, by performance.now(). */
  since: number
  /** What its schemas took so far, without waiting. */
  spentMs: number
}

/** What is wrong with a JSON Schema, or undefined where it can be used. Throws NotBegun where it waits too long. */
export async function findSchemaProblem(
  { schemaChecks }: Pick<Context, 'schemaChecks'>,
  schema: JsonObject,
  clock: CheckClock,
): Promise<string | undefined> {
  const unstorable = findJsonProblem(schema)
  if (unstorable) return `${unstorable.path.join('.')} ${unstorable.problem}`
  // What it would answer with is a promise, which nobody here waits for.
  if ('$async' in schema) return '$async is not part of JSON Schema'
  if (clock.spentMs > MAX_DEFINITION_MS)
    return `the schemas before it took ${MAX_DEFINITION_MS / 1000} seconds to be checked`
  const answer = await schemaChecks.checkSchema(JSON.stringify(schema), clock.since + clock.spentMs)
  if (answer === GAVE_UP) {
    clock.spentMs += MAX_CHECK_MS
    return `it could not be checked within ${MAX_CHECK_MS / 1000} seconds`
  }
  clock.spentMs += answer.compileMs + answer.checkMs
  return answer.problem
}
