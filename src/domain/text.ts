import { findJsonProblem } from '../protocol/json.ts'
import { type UserError, userError } from './errors.ts'

/** What is wrong with a text that is to be stored: its length in characters, or characters that Postgres refuses. */
export function storableText(
  path: string[],
  text: string | null | undefined,
  least: number,
  most: number,
): UserError[] {
  if (text == null) return []
  const field = path.at(-1)
  if (text.length < least || text.length > most) {
    return [
      userError(
        'INPUT_INVALID',
        path,
        `${field}: expected ${least} to ${most.toLocaleString('en')} characters, got ${text.length}`,
      ),
    ]
  }
  const unstorable = findJsonProblem(text)
  return unstorable ? [userError('INPUT_INVALID', path, `${field}: ${unstorable.problem}`)] : []
}
