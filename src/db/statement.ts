/** The few statements that run thousands of times a second: raw SQL, prepared once for each connection. */
import { getTableColumns, type Table } from 'drizzle-orm'

/**
 * Runs SQL with its parameters ($1, $2, …). Rows are what the two drivers make of them alike: instants are Dates, JSON is
 * parsed. A parameter that is JSON goes in as text (`$1::text::json`), or a driver would encode it once more.
 */
export type RunStatement = <Row extends object>(text: string, parameters: readonly unknown[]) => Promise<Row[]>

/** All columns of a table under the names that they have in code, so that a raw row is what Drizzle would have made of it. */
export const returning = <T extends Table>(table: T, alias?: string): string =>
  Object.entries(getTableColumns(table))
    .map(([key, { name }]) => `${alias ? `${alias}.` : ''}${name} as "${key}"`)
    .join(', ')
