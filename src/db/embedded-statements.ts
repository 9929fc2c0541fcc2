/** The hot statements on the embedded database, whose own `query` parses and plans them anew each time: half of what a small batch takes. */
import type { PGlite } from '@electric-sql/pglite'
import type { RunStatement } from './statement.ts'

/** Of one text. */
interface Prepared {
  name: string
  ready: Promise<unknown>
  /** When its plan is old, by performance.now(). */
  until: number
}

/**
 * Nobody analyses the tables here, and a plan made for small ones would stay while they grow: it is made anew, which takes
 * a few milliseconds.
 */
const PLAN_FOR_MS = 2_000

/** Each statement is prepared on its first run, and again under the same name when its plan is old: whoever runs it meanwhile finds the one or the other. */
export function prepareStatements(client: Pick<PGlite, 'query' | 'exec'>, planForMs = PLAN_FOR_MS): RunStatement {
  /** Bounded: the texts are constants of ours. */
  const prepared = new Map<string, Prepared>()
  let count = 0

  return async (text, parameters) => {
    const literals = parameters.map(literalOf)
    // SQL ends at a NUL. As a parameter it is refused in the words for it.
    if (literals.some((literal) => literal.includes('\0')))
      return (await client.query(text, [...parameters])).rows as never
    const { name, ready } = preparedFor(text)
    await ready
    return (await client.query(`execute ${name}${literals.length > 0 ? `(${literals.join(',')})` : ''}`)).rows as never
  }

  function preparedFor(text: string): Prepared {
    const known = prepared.get(text)
    if (known && performance.now() < known.until) return known
    const name = known?.name ?? `run_${++count}`
    const ready = client.exec(`${known ? `deallocate ${name}; ` : ''}prepare ${name} as ${text}`)
    // The next run tries again.
    ready.catch(() => prepared.delete(text))
    const made = { name, ready, until: performance.now() + planForMs }
    prepared.set(text, made)
    return made
  }
}

/** Of an untyped literal Postgres makes what the statement wants in its place. With `standard_conforming_strings` only the quote is special. */
const literalOf = (value: unknown): string => (value == null ? 'null' : `'${String(value).replaceAll("'", "''")}'`)
