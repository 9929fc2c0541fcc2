/** The hot statements on the embedded database, whose own `query` parses and plans them anew each time: half of what a small batch takes. */
import type { PGlite } from '@electric-sql/pglite'
import type { RunStatement } from './statement.ts'

/** Of one text. */
interface Prepared {
  name: string
  ready: Promise<unknown>
  /** On the clock of performance.now(); undefined until it is ready. */
  since: number | undefined
}

/**
 * Nobody analyses the tables here, and a plan made for small ones would stay while they grow: it is made anew, which takes
 * a few milliseconds.
 */
const PLAN_FOR_MS = 2_000

/**
 * Each statement is prepared on its first run, and again when its plan is old. All of it is one session, in which what is
 * asked first is done first.
 */
export function prepareStatements(client: Pick<PGlite, 'query' | 'exec'>, planForMs = PLAN_FOR_MS): RunStatement {
  /** Bounded: the texts are constants of ours. */
  const prepared = new Map<string, Prepared>()
  let count = 0

  return async (text, parameters) => {
    const literals = parameters.map(literalOf)
    // SQL ends at a NUL. As a parameter it is refused in the words for it.
    if (literals.some((literal) => literal.includes('\0')))
      return (await client.query(text, [...parameters])).rows as never
    const current = prepared.get(text)
    const { name, ready, since } = current && !isOld(current, planForMs) ? current : prepare(text, current)
    if (since === undefined) await ready
    return (await client.query(`execute ${name}${literals.length > 0 ? `(${literals.join(',')})` : ''}`)).rows as never
  }

  function prepare(text: string, before: Prepared | undefined): Prepared {
    count += 1
    const name = `run_${count}`
    const made: Prepared = { name, ready: make(), since: undefined }
    prepared.set(text, made)
    return made

    async function make(): Promise<void> {
      try {
        await client.exec(`prepare ${name} as ${text}`)
        made.since = performance.now()
      } catch (error) {
        // The next run tries again.
        if (prepared.get(text) === made) prepared.delete(text)
        throw error
      }
      if (before) await client.exec(`deallocate ${before.name}`)
    }
  }
}

const isOld = ({ since }: Prepared, planForMs: number): boolean =>
  since !== undefined && performance.now() - since > planForMs

/** Of an untyped literal Postgres makes what the statement wants in its place. With `standard_conforming_strings` only the quote is special. */
const literalOf = (value: unknown): string => (value == null ? 'null' : `'${String(value).replaceAll("'", "''")}'`)
