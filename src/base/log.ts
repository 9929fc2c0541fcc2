import { type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'

export type { Logger }

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const STANDARD_ERROR = 2

/** What is never logged, at the top of a line or one level below. */
const SECRETS = [
  'authorization',
  'password',
  'secret',
  'databaseUrl',
  'mqttUrl',
  'mqttAuthSecret',
  'DATABASE_URL',
  'MQTT_URL',
  'MQTT_AUTH_SECRET',
  'connectionParams',
]
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`])

/** The password in a URL, wherever it is in a text. */
const PASSWORD_IN_URL = /(\w:\/\/[^\s:/@]*):[^\s/]*@/g
/** What follows in the message of a query that failed: values of callers. */
const QUERY_VALUES = /\nparams: .*/s

/** Logs to standard error, so that standard output stays for what people and scripts read: JSON lines, or readable text on a terminal. */
export function createLogger(level: LogLevel): Logger {
  return pino(
    loggerOptions(level),
    process.stderr.isTTY ? terminal() : pino.destination({ dest: STANDARD_ERROR, sync: false }),
  )
}

/** One line of JSON for each record: what users wrote is in its values only, and escaped. */
export const loggerOptions = (level: LogLevel) => ({
  level,
  base: null,
  redact: { paths: REDACTED, censor: '[redacted]' },
  serializers: { err: describeError },
})

function terminal() {
  const format = createTerminalFormat(process.stderr.hasColors?.() ?? false)
  const sink = pino.destination({ dest: STANDARD_ERROR, sync: true })
  return { write: (line: string) => sink.write(format(line)) }
}

/** From a line of JSON to readable text, in which nothing that came from outside can move the cursor or begin a record. */
export function createTerminalFormat(colorize: boolean): (line: string) => string {
  const format = prettyFactory({ colorize, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' })
  return (line) => format(showControls(line))
}

/** Doubles the backslash of an escaped control character, so that the character is shown as it is escaped; `\n` is left, which is indented. */
function showControls(line: string): string {
  const escaped = line.replace(/\\(\\|u00[01][0-9a-f]|[rbf])/g, (found, what) => (what === '\\' ? found : `\\${found}`))
  return escaped.replace(UNESCAPED_CONTROLS, (found) => `\\\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Those that JSON leaves as they are: DEL, C1 with its CSI, line separators, and what turns the direction of writing. */
const UNESCAPED_CONTROLS = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Causes of causes that are told. */
const MAX_CAUSES = 5
/** What else an error says of itself, and holds no values of callers. */
const TOLD = ['code', 'errno', 'syscall', 'severity', 'table_name', 'constraint_name'] as const

/** An error and its causes, without what may be secret in them: passwords in URLs, and the values of a query. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const chain: Error[] = []
  for (let next: unknown = error; next instanceof Error && chain.length < MAX_CAUSES; next = next.cause)
    chain.push(next)
  const told = chain.flatMap((one) => TOLD.flatMap((name) => (name in one ? [[name, Object(one)[name]]] : [])))
  return {
    type: error.name,
    message: chain.map(messageOf).join(': '),
    stack: chain.map((one) => `${one.name}: ${messageOf(one)}${framesOf(one)}`).join('\ncaused by: '),
    ...Object.fromEntries(told),
  }
}

const messageOf = ({ message }: Error): string =>
  message.replace(PASSWORD_IN_URL, '$1:[redacted]@').replace(QUERY_VALUES, '')

/** What comes after the message, which is told apart. */
const framesOf = ({ stack = '', message }: Error): string => stack.slice(stack.indexOf(message) + message.length)
