/** How arrays are read, of each type that a column has. */
import { parse } from 'postgres-array'

/** Of a type of arrays, by its number in Postgres (pg_type.oid), which is the same in each. Drizzle writes them as text. */
const arrayOf = (oid: number, readItem: (text: string) => unknown) => ({
  to: oid,
  from: [oid],
  serialize: (written: unknown) => written,
  parse: (text: string) => parse(text, readItem),
})

/**
 * postgres.js would ask each new connection for them, in a promise that nobody holds: a connection that is lost in that
 * moment would end the process. Drizzle, left to itself, loses backslashes.
 */
export const ARRAY_TYPES = {
  text: arrayOf(1009, String),
  smallint: arrayOf(1005, Number),
  // What does not fit into a number stays a text, as a bigint alone does.
  bigint: arrayOf(1016, String),
}
