/** What a database error means. Drizzle wraps the driver's error: the SQLSTATE is on its cause. */

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
])

/** Classes of SQLSTATE that say "not now": connection, resources, operator intervention (restart), I/O. */
const UNAVAILABLE_CLASSES = ['08', '53', '57', '58']
/** A standby that has not taken over yet is read-only; a lock could not be had. */
const UNAVAILABLE_CODES = ['25006', '55P03']

/** Classes of SQLSTATE that say "not these values": data exceptions, constraints, limits of what can be stored. */
const REFUSING_CLASSES = ['22', '23', '54']
const SQLSTATE = /^[0-9A-Z]{5}$/

const UNIQUE_VIOLATION = '23505'
const FOREIGN_KEY_VIOLATIONS = ['23503', '23001']

/** The SQLSTATE or the connection error's code, or undefined where it is no database error. */
export function sqlState(error: unknown): string | undefined {
  for (let next = error; next instanceof Error; next = next.cause) {
    if ('code' in next && typeof next.code === 'string') return next.code
  }
  return undefined
}

/** Whether the connection broke, so that nobody says what became of the query. */
export const isConnectionLost = (error: unknown): boolean => CONNECTION_CODES.has(sqlState(error) ?? '')

/** Whether the database is away, restarting or too busy: to be tried again, not a fault of the query. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = sqlState(error)
  if (code === undefined) return false
  if (CONNECTION_CODES.has(code) || UNAVAILABLE_CODES.includes(code)) return true
  return code.length === 5 && UNAVAILABLE_CLASSES.includes(code.slice(0, 2))
}

/**
 * Whether these very values are at fault, and would be refused again: by the database, or by our own code before it asked.
 * Anything else (a failover to a read-only standby, a lock, an internal error) may be gone at the next try.
 */
export function isRefusal(error: unknown): boolean {
  const code = sqlState(error)
  if (code === undefined) return true
  if (CONNECTION_CODES.has(code)) return false
  return !SQLSTATE.test(code) || REFUSING_CLASSES.includes(code.slice(0, 2))
}

export const isUniqueViolation = (error: unknown): boolean => sqlState(error) === UNIQUE_VIOLATION

export const isForeignKeyViolation = (error: unknown): boolean => FOREIGN_KEY_VIOLATIONS.includes(sqlState(error) ?? '')

/** Two transactions waited for each other, and this one was chosen to give way: the same statement again succeeds. */
export const isDeadlock = (error: unknown): boolean => ['40P01', '40001'].includes(sqlState(error) ?? '')
