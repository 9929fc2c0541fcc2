/** The settings of the doors: who may come in, and how much of what. */
import { isLoopback } from './loopback.ts'
import { type Environment, file, listOf, onOrOff, read, setting, wholeNumber } from './setting.ts'

const isOrigin = (value: string): boolean =>
  /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value

const rate = setting(
  wholeNumber(1, 1_000_000),
  'a whole number of commands a second from 1 to 1000000 (absent: no limit)',
)

const SETTINGS = {
  GRAPHIQL: onOrOff,
  CORS_ORIGINS: setting(
    listOf(isOrigin),
    'origins such as https://console.example.com, parted by commas, without a path',
  ),
  MAX_CONNECTIONS: setting(wholeNumber(1, 1_000_000), 'a whole number of connections from 1 to 1000000'),
  MAX_SUBSCRIPTIONS: setting(wholeNumber(1, 1_000_000), 'a whole number of subscriptions from 1 to 1000000'),
  RATE_LIMIT_KEY: rate,
  RATE_LIMIT_THING: rate,
  PERSISTED_OPERATIONS: file,
}

const NO_ORIGINS: readonly string[] = []

export type DoorSettings = ReturnType<typeof readDoorSettings>

/** `host`: where the service listens. What helps a developer is on by default only where nobody else can see it. */
export function readDoorSettings(env: Environment, host: string) {
  const graphiql = read('GRAPHIQL', SETTINGS.GRAPHIQL, env)
  return {
    graphiql: graphiql ? graphiql === 'on' : isLoopback(host),
    corsOrigins: read('CORS_ORIGINS', SETTINGS.CORS_ORIGINS, env) ?? NO_ORIGINS,
    maxConnections: read('MAX_CONNECTIONS', SETTINGS.MAX_CONNECTIONS, env) ?? 20_000,
    maxSubscriptions: read('MAX_SUBSCRIPTIONS', SETTINGS.MAX_SUBSCRIPTIONS, env) ?? 20_000,
    rateLimitKey: read('RATE_LIMIT_KEY', SETTINGS.RATE_LIMIT_KEY, env),
    rateLimitThing: read('RATE_LIMIT_THING', SETTINGS.RATE_LIMIT_THING, env),
    persistedOperations: read('PERSISTED_OPERATIONS', SETTINGS.PERSISTED_OPERATIONS, env),
  }
}
