import { hostname } from 'node:os'
import { z } from 'zod'
import { readAccess } from './config-access.ts'
import { readDoorSettings } from './config-doors.ts'
import { readJwt } from './config-jwt.ts'
import { readTls } from './config-tls.ts'
import { LOG_LEVELS } from './log.ts'
import { ConfigError, type Environment, port, read, setting, urlOf, wholeNumber } from './setting.ts'

export { ConfigError }

const MQTT_PROTOCOLS = ['mqtt:', 'mqtts:', 'ws:', 'wss:']
const POSTGRES_PROTOCOLS = ['postgres:', 'postgresql:']
const HTTP_PROTOCOLS = ['http:', 'https:']

const SETTINGS = {
  HOST: setting(z.string().regex(/^[A-Za-z0-9.:_-]{1,255}$/), 'a host name or an IP address, such as 127.0.0.1'),
  PORT: port,
  DATABASE_URL: setting(urlOf(POSTGRES_PROTOCOLS), 'a URL such as postgres://user:password@host:5432/database', true),
  MQTT_URL: setting(
    urlOf(MQTT_PROTOCOLS),
    'a URL such as mqtt://user:password@host:1883 (mqtt, mqtts, ws or wss)',
    true,
  ),
  MQTT_CLIENT_ID: setting(
    z.string().regex(/^[A-Za-z0-9_.:-]{1,60}$/),
    '1 to 60 characters of A-Z, a-z, 0-9, _ . : and -, different for each replica',
  ),
  MQTT_SHARED_GROUP: setting(
    z.string().regex(/^[A-Za-z0-9_.:-]{1,60}$/),
    '1 to 60 characters of A-Z, a-z, 0-9, _ . : and -, the same for each replica',
  ),
  MQTT_PORT: port,
  MAX_SENDS: setting(wholeNumber(1, 100_000), 'a whole number of sends from 1 to 100000'),
  DRAIN_SECONDS: setting(wholeNumber(0, 600), 'a whole number of seconds from 0 to 600'),
  RETENTION_DAYS: setting(wholeNumber(1, 36_500), 'a whole number of days from 1 to 36500 (absent: for ever)'),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(urlOf(HTTP_PROTOCOLS), 'a URL such as http://127.0.0.1:4318', true),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: setting(
    urlOf(HTTP_PROTOCOLS),
    'a URL such as http://127.0.0.1:4318/v1/traces',
    true,
  ),
  DATA_DIR: setting(z.string().min(1), 'a folder'),
  LOG_LEVEL: setting(z.enum(LOG_LEVELS), `one of ${LOG_LEVELS.join(', ')}`),
}

const OTLP_PROTOCOLS = ['http/json'] as const
const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const

/** The SDK reads these itself, and would go on with a default where one is wrong. Looked at where traces are sent. */
const TRACING_SETTINGS = {
  OTEL_EXPORTER_OTLP_PROTOCOL: setting(z.enum(OTLP_PROTOCOLS), 'http/json, which is what is sent'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: setting(z.enum(OTLP_PROTOCOLS), 'http/json, which is what is sent'),
  OTEL_TRACES_SAMPLER: setting(
    z.enum([...SAMPLERS, ...SAMPLERS.map((name) => `parentbased_${name}` as const)]),
    `one of ${SAMPLERS.join(', ')}, or parentbased_ and one of these`,
  ),
  OTEL_TRACES_SAMPLER_ARG: setting(
    z.string().refine((value) => /^\d*\.?\d+$/.test(value) && Number(value) <= 1),
    'a share from 0 to 1, such as 0.1',
  ),
}

export type Config = ReturnType<typeof readConfig>

/**
 * The settings of the service, typed, from the environment; an empty value counts as absent.
 * Throws a ConfigError that names the variable, what was given and what is expected.
 */
export function readConfig(env: Environment) {
  const listenPort = read('PORT', SETTINGS.PORT, env) ?? 4000
  const mqttUrl = read('MQTT_URL', SETTINGS.MQTT_URL, env)
  const mqttSharedGroup = read('MQTT_SHARED_GROUP', SETTINGS.MQTT_SHARED_GROUP, env)
  if (mqttSharedGroup && !mqttUrl) {
    throw new ConfigError(
      `MQTT_SHARED_GROUP: got ${JSON.stringify(mqttSharedGroup)} without MQTT_URL, expected the MQTT_URL of a broker that shares topics, or no group: the embedded broker has one replica`,
    )
  }
  const host = read('HOST', SETTINGS.HOST, env) ?? '127.0.0.1'
  return {
    host,
    port: listenPort,
    databaseUrl: read('DATABASE_URL', SETTINGS.DATABASE_URL, env),
    mqttUrl,
    // Fixed across restarts, because the broker keeps our session under it; different for each replica, because a
    // broker throws off the older of two clients with one id. Hence the host and the port, which no two replicas share.
    mqttClientId: read('MQTT_CLIENT_ID', SETTINGS.MQTT_CLIENT_ID, env) ?? defaultClientId(listenPort),
    mqttSharedGroup,
    mqttPort: read('MQTT_PORT', SETTINGS.MQTT_PORT, env) ?? 1883,
    ...readTls(env, mqttUrl),
    ...readAccess(env),
    maxSends: read('MAX_SENDS', SETTINGS.MAX_SENDS, env) ?? 5_000,
    drainSeconds: read('DRAIN_SECONDS', SETTINGS.DRAIN_SECONDS, env) ?? 0,
    retentionDays: read('RETENTION_DAYS', SETTINGS.RETENTION_DAYS, env),
    jwt: readJwt(env),
    tracesUrl: readTracesUrl(env),
    ...readDoorSettings(env, host),
    dataDir: read('DATA_DIR', SETTINGS.DATA_DIR, env) ?? './data',
    logLevel: read('LOG_LEVEL', SETTINGS.LOG_LEVEL, env) ?? 'info',
  }
}

/** Where traces are sent to: undefined where they are not. The variables are those of OpenTelemetry's specification. */
function readTracesUrl(env: Environment): string | undefined {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return undefined
  const ofAll = read('OTEL_EXPORTER_OTLP_ENDPOINT', SETTINGS.OTEL_EXPORTER_OTLP_ENDPOINT, env)
  const ofTraces = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', SETTINGS.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, env)
  const url = ofTraces ?? (ofAll && `${ofAll.replace(/\/$/, '')}/v1/traces`)
  if (url) for (const [name, tracing] of Object.entries(TRACING_SETTINGS)) read<string>(name, tracing, env)
  return url
}

function defaultClientId(listenPort: number): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_.:-]/g, '-')
    .slice(0, 38)
  return `fleet-commands-${host}-${listenPort}`
}
