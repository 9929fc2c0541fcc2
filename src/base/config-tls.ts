/** The settings of TLS: certificates are read with the settings, so that a bad one is told before anything starts, and again when they are renewed. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ConfigError, type Environment, file, port, read } from './setting.ts'

/** Both as PEM: a certificate with those between it and its CA, and its private key. */
export interface Certificate {
  cert: string
  key: string
}

/** What a server shows, and the CA of the certificates that it asks its clients for. */
export interface ServerTls extends Certificate {
  ca?: string | undefined
}

/** To an external broker: whom we believe, and who we are. Of the embedded one: whom it believes, and who it is. */
export interface MqttTls {
  ca: string | undefined
  certificate: Certificate | undefined
}

/** Where settings came from, and how they are read again: that throws as at the start. */
export interface FilesOf<T> {
  paths: string[]
  read(): T | undefined
}

/** What we show and whom we believe, on each way. */
export interface TlsSettings {
  tls: Certificate | undefined
  mqttTls: MqttTls | undefined
  tlsFiles: { tls: FilesOf<Certificate>; mqttTls: FilesOf<MqttTls> }
}

const NO_FILES = { paths: [], read: () => undefined }
/** As where none of the settings is given. */
export const NO_TLS: TlsSettings = {
  tls: undefined,
  mqttTls: undefined,
  tlsFiles: { tls: NO_FILES, mqttTls: NO_FILES },
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g
const A_CERTIFICATE = 'a file with a certificate in PEM'
const A_KEY = 'a file with a private key in PEM that has no passphrase'

/** Throws a ConfigError that names the variable, and what is expected. */
export function readTls(env: Environment, mqttUrl: string | undefined): TlsSettings & { mqttTlsPort: number } {
  const pathsOf = (...names: string[]) => names.flatMap((name) => read(name, file, env) ?? [])
  const tlsFiles = {
    tls: {
      paths: pathsOf('TLS_CERT_FILE', 'TLS_KEY_FILE'),
      read: () => readPair('TLS_CERT_FILE', 'TLS_KEY_FILE', env),
    },
    mqttTls: {
      paths: pathsOf('MQTT_TLS_CA_FILE', 'MQTT_TLS_CERT_FILE', 'MQTT_TLS_KEY_FILE'),
      read: () => readMqttTls(env, mqttUrl),
    },
  }
  const mqttTls = tlsFiles.mqttTls.read()
  return { tls: tlsFiles.tls.read(), mqttTls, tlsFiles, mqttTlsPort: read('MQTT_TLS_PORT', port, env) ?? 8883 }
}

function readMqttTls(env: Environment, mqttUrl: string | undefined): MqttTls | undefined {
  const ca = readPem('MQTT_TLS_CA_FILE', env, A_CERTIFICATE, hasCertificates)
  const certificate = readPair('MQTT_TLS_CERT_FILE', 'MQTT_TLS_KEY_FILE', env)
  if (!ca && !certificate) return undefined
  checkMqttTls({ ca, certificate }, mqttUrl)
  return { ca, certificate }
}

function checkMqttTls({ ca, certificate }: MqttTls, mqttUrl: string | undefined): void {
  const name = ca ? 'MQTT_TLS_CA_FILE' : 'MQTT_TLS_CERT_FILE'
  if (mqttUrl && !['mqtts:', 'wss:'].includes(new URL(mqttUrl).protocol))
    throw new ConfigError(`${name}: got a file with an MQTT_URL without TLS, expected mqtts or wss there, or no file`)
  if (!mqttUrl && !certificate)
    throw new ConfigError(
      `${name}: got a file alone, expected MQTT_TLS_CERT_FILE and MQTT_TLS_KEY_FILE as well, for the embedded broker, or the MQTT_URL of another one`,
    )
}

function readPair(certName: string, keyName: string, env: Environment): Certificate | undefined {
  const cert = readPem(certName, env, A_CERTIFICATE, hasCertificates)
  const key = readPem(keyName, env, A_KEY, isPrivateKey)
  if (cert === undefined && key === undefined) return undefined
  if (key === undefined) throw new ConfigError(`${keyName}: got nothing, expected the private key of ${certName}`)
  if (cert === undefined) throw new ConfigError(`${certName}: got nothing, expected the certificate of ${keyName}`)
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new ConfigError(`${keyName}: got the key of another certificate, expected that of ${certName}`)
  const refusal = failureOf(() => createSecureContext({ cert, key }))
  if (refusal) throw new ConfigError(`${certName}: ${refusal}, expected a certificate that can be used`)
  return { cert, key }
}

function readPem(
  name: string,
  env: Environment,
  expected: string,
  isRight: (pem: string) => boolean,
): string | undefined {
  const path = read(name, file, env)
  if (path === undefined) return undefined
  let pem = ''
  const failure = failureOf(() => {
    pem = readFileSync(path, 'utf8')
  })
  if (failure) throw new ConfigError(`${name}: ${failure}, expected ${expected}`)
  if (!isRight(pem)) throw new ConfigError(`${name}: got ${JSON.stringify(path)}, expected ${expected}`)
  return pem
}

function hasCertificates(pem: string): boolean {
  const found = pem.match(CERTIFICATE) ?? []
  return found.length > 0 && found.every((one) => failureOf(() => new X509Certificate(one)) === undefined)
}

const isPrivateKey = (pem: string): boolean => failureOf(() => createPrivateKey(pem)) === undefined

/** In one line. */
function failureOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ')
  }
}
