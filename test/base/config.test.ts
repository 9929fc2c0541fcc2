import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../../src/base/config.ts'

describe('the settings', () => {
  const NO_FILES = { paths: [], read: expect.any(Function) }

  it('have defaults, and an empty value is an absent one', () => {
    const defaults = {
      host: '127.0.0.1',
      port: 4000,
      databaseUrl: undefined,
      mqttUrl: undefined,
      mqttClientId: expect.stringMatching(/^fleet-commands-[\w.:-]{1,38}-4000$/),
      mqttSharedGroup: undefined,
      mqttPort: 1883,
      tls: undefined,
      mqttTls: undefined,
      mqttTlsPort: 8883,
      tlsFiles: { tls: NO_FILES, mqttTls: NO_FILES },
      trustedProxies: [],
      mqttAuthSecret: undefined,
      maxSends: 5_000,
      graphiql: true,
      corsOrigins: [],
      maxConnections: 20_000,
      maxSubscriptions: 20_000,
      rateLimitKey: undefined,
      rateLimitThing: undefined,
      persistedOperations: undefined,
      drainSeconds: 0,
      retentionDays: undefined,
      tracesUrl: undefined,
      dataDir: './data',
      logLevel: 'info',
    }
    expect(readConfig({})).toEqual(defaults)
    expect(readConfig({ HOST: '', PORT: '', DATABASE_URL: '', MQTT_URL: '', DATA_DIR: '', LOG_LEVEL: '' })).toEqual(
      defaults,
    )
  })

  it('are taken as they are given', () => {
    const given = {
      HOST: '::1',
      PORT: '0',
      DATABASE_URL: 'postgresql://user:pass%40word@db/fleet?sslmode=require',
      MQTT_URL: 'wss://broker.example:8084/mqtt',
      MQTT_CLIENT_ID: 'fleet-1',
      MQTT_SHARED_GROUP: 'fleet',
      MQTT_PORT: '65535',
      MQTT_TLS_PORT: '8884',
      TRUSTED_PROXIES: '10.0.0.1, ::1',
      MQTT_AUTH_SECRET: 'a-long-enough-one',
      MAX_SENDS: '200',
      GRAPHIQL: 'off',
      CORS_ORIGINS: 'https://console.example, http://127.0.0.1:8080',
      MAX_CONNECTIONS: '100',
      MAX_SUBSCRIPTIONS: '1000',
      RATE_LIMIT_KEY: '50',
      RATE_LIMIT_THING: '5',
      PERSISTED_OPERATIONS: '/etc/fleet/operations.json',
      DRAIN_SECONDS: '10',
      RETENTION_DAYS: '90',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/otlp/',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
      DATA_DIR: '/var/lib/fleet commands',
      LOG_LEVEL: 'silent',
    }
    expect(readConfig(given)).toEqual({
      host: '::1',
      port: 0,
      databaseUrl: given.DATABASE_URL,
      mqttUrl: given.MQTT_URL,
      mqttClientId: 'fleet-1',
      mqttSharedGroup: 'fleet',
      mqttPort: 65_535,
      tls: undefined,
      mqttTls: undefined,
      mqttTlsPort: 8884,
      tlsFiles: { tls: NO_FILES, mqttTls: NO_FILES },
      trustedProxies: ['10.0.0.1', '::1'],
      mqttAuthSecret: given.MQTT_AUTH_SECRET,
      maxSends: 200,
      graphiql: false,
      corsOrigins: ['https://console.example', 'http://127.0.0.1:8080'],
      maxConnections: 100,
      maxSubscriptions: 1_000,
      rateLimitKey: 50,
      rateLimitThing: 5,
      persistedOperations: '/etc/fleet/operations.json',
      drainSeconds: 10,
      retentionDays: 90,
      tracesUrl: 'https://collector.example/otlp/v1/traces',
      dataDir: given.DATA_DIR,
      logLevel: 'silent',
    })
  })

  const bad: [string, string, RegExp][] = [
    ['PORT', 'abc', /got "abc", expected a port from 0 to 65535/],
    ['PORT', '70000', /got "70000", expected a port from 0 to 65535/],
    ['PORT', '4000 ', /got "4000 ", expected a port/],
    ['PORT', '0x10', /got "0x10", expected a port/],
    ['MQTT_SHARED_GROUP', 'fleet', /got "fleet" without MQTT_URL, expected the MQTT_URL of a broker/],
    ['MQTT_SHARED_GROUP', 'a/b', /got "a\/b", expected 1 to 60 characters/],
    ['MQTT_PORT', '-1', /got "-1", expected a port from 0 to 65535/],
    ['MQTT_PORT', '1.5', /got "1.5", expected a port/],
    ['MAX_SENDS', '0', /got "0", expected a whole number of sends from 1 to 100000/],
    ['GRAPHIQL', 'yes', /got "yes", expected on or off/],
    ['CORS_ORIGINS', '*', /got "\*", expected origins such as https/],
    ['CORS_ORIGINS', 'https://a.example/', /got "https:\/\/a.example\/", expected origins/],
    ['CORS_ORIGINS', 'https://a.example,', /got "https:\/\/a.example,", expected origins/],
    ['CORS_ORIGINS', 'null', /got "null", expected origins/],
    ['MAX_CONNECTIONS', '0', /got "0", expected a whole number of connections from 1 to 1000000/],
    ['MAX_SUBSCRIPTIONS', '0', /got "0", expected a whole number of subscriptions from 1 to 1000000/],
    ['RATE_LIMIT_KEY', '0', /got "0", expected a whole number of commands a second/],
    ['RATE_LIMIT_THING', '0.5', /got "0.5", expected a whole number of commands a second/],
    ['DRAIN_SECONDS', '601', /got "601", expected a whole number of seconds from 0 to 600/],
    ['DRAIN_SECONDS', '1.5', /got "1.5", expected a whole number of seconds/],
    ['RETENTION_DAYS', '0', /got "0", expected a whole number of days from 1 to 36500/],
    ['RETENTION_DAYS', '1.5', /got "1.5", expected a whole number of days/],
    ['RETENTION_DAYS', '-1', /got "-1", expected a whole number of days/],
    ['HOST', 'a b', /got "a b", expected a host name/],
    ['HOST', 'http://x', /got "http:\/\/x", expected a host name/],
    ['LOG_LEVEL', 'loud', /got "loud", expected one of trace, debug, info/],
    ['LOG_LEVEL', 'INFO', /got "INFO", expected one of/],
    ['MQTT_CLIENT_ID', 'a/b', /got "a\/b", expected 1 to 60 characters/],
    ['DATABASE_URL', 'foo', /got .*not shown.*, expected a URL such as postgres:/],
    ['DATABASE_URL', 'mysql://u:secret@h/d', /got .*not shown.*, expected a URL such as postgres:/],
    ['MQTT_URL', 'http://u:secret@x', /got .*not shown.*, expected a URL such as mqtt:/],
    ['MQTT_URL', 'broker:1883', /got .*not shown.*, expected a URL such as mqtt:/],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'u:secret@collector', /got .*not shown.*, expected a URL such as http:/],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'grpc://x', /got .*not shown.*, expected a URL such as http:.*v1\/traces/],
  ]

  it.each(bad)('refuse %s=%s in one line that says what is expected', (name, value, expected) => {
    const read = () => readConfig({ [name]: value })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(new RegExp(`^${name}: ${expected.source}`))
    expect(read).not.toThrow(/secret|\n/)
  })

  it.each([
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.0.0.1.evil.example', false],
  ])('have GraphiQL on by default only on loopback: %s', (HOST, graphiql) => {
    expect(readConfig({ HOST }).graphiql).toBe(graphiql)
    expect(readConfig({ HOST, GRAPHIQL: 'on' }).graphiql).toBe(true)
    expect(readConfig({ HOST, GRAPHIQL: 'off' }).graphiql).toBe(false)
  })

  it('take the endpoint of traces as it is, and send none where the SDK is disabled', () => {
    const endpoints = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/mine',
    }
    expect(readConfig(endpoints).tracesUrl).toBe('http://collector:4318/mine')
    expect(readConfig({ ...endpoints, OTEL_SDK_DISABLED: 'true' }).tracesUrl).toBeUndefined()
    expect(readConfig({ ...endpoints, OTEL_TRACES_EXPORTER: 'none' }).tracesUrl).toBeUndefined()
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', /got "grpc", expected http\/json/],
    ['OTEL_TRACES_SAMPLER', 'sometimes', /got "sometimes", expected one of always_on, always_off, traceidratio/],
    ['OTEL_TRACES_SAMPLER_ARG', '10', /got "10", expected a share from 0 to 1/],
    ['OTEL_TRACES_SAMPLER_ARG', 'half', /got "half", expected a share from 0 to 1/],
  ])('refuse %s=%s only where traces are sent', (name, value, expected) => {
    expect(readConfig({ [name]: value }).tracesUrl).toBeUndefined()
    const read = () => readConfig({ [name]: value, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(new RegExp(`^${name}: ${expected.source}`))
  })
})
