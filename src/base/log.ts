import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Logs to standard error, so that standard output stays for what people and scripts read: JSON lines, or readable text on a terminal. */
export function createLogger(level: LogLevel): Logger {
  const destination = process.stderr.isTTY
    ? pretty({ destination: 2, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true })
    : pino.destination({ dest: 2, sync: false })
  return pino({ level, base: null }, destination)
}
