import { createPrivateKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../../src/base/config.ts'
import { type Authority, createAuthority, type IssuedCertificate } from '../support/certificates.ts'

describe('the settings of TLS', () => {
  let authority: Authority
  let one: IssuedCertificate
  let two: IssuedCertificate
  const files: Record<string, string> = {}

  beforeAll(() => {
    authority = createAuthority()
    one = authority.issue('one')
    two = authority.issue('two')
    const write = (name: string, text: string) => {
      files[name] = join(authority.folder, name)
      writeFileSync(files[name], text)
    }
    write('text', 'hello')
    write('broken', '-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n')
    const passphrase = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hush' } as const
    write('locked', createPrivateKey(one.key).export(passphrase).toString())
    files['folder'] = authority.folder
    files['missing'] = join(authority.folder, 'missing')
    for (const [name, { certFile, keyFile }] of Object.entries({ one, two })) {
      files[`${name}.pem`] = certFile
      files[`${name}.key`] = keyFile
    }
    files['ca'] = authority.caFile
  })
  afterAll(() => authority?.remove())

  const envOf = (given: Record<string, string>) =>
    Object.fromEntries(Object.entries(given).map(([name, file]) => [name, files[file] ?? file]))

  it('are read with what is in the files', () => {
    const pair = { TLS_CERT_FILE: 'one.pem', TLS_KEY_FILE: 'one.key' }
    const mqtt = { MQTT_TLS_CA_FILE: 'ca', MQTT_TLS_CERT_FILE: 'two.pem', MQTT_TLS_KEY_FILE: 'two.key' }
    const contents = ({ cert, key }: IssuedCertificate) => ({ cert, key })
    const mqttTls = { ca: authority.ca, certificate: contents(two) }
    const { tlsFiles, ...config } = readConfig(envOf({ ...pair, ...mqtt, MQTT_TLS_PORT: '0' }))
    expect(config).toMatchObject({ tls: contents(one), mqttTls, mqttTlsPort: 0 })
    expect([tlsFiles.tls.read(), tlsFiles.mqttTls.read()]).toEqual([contents(one), mqttTls])
    expect(tlsFiles.tls.paths).toEqual(Object.values(envOf(pair)))
    expect(tlsFiles.mqttTls.paths).toEqual(Object.values(envOf(mqtt)))
    for (const url of ['mqtts://broker:8883', 'wss://broker/mqtt'])
      expect(readConfig(envOf({ ...mqtt, MQTT_URL: url }))).toMatchObject({ tls: undefined, mqttTls })
    expect(readConfig(envOf({ MQTT_TLS_CA_FILE: 'ca', MQTT_URL: 'mqtts://broker' })).mqttTls).toEqual({
      ca: authority.ca,
      certificate: undefined,
    })
  })

  it.each([
    [
      'TLS_CERT_FILE',
      { TLS_CERT_FILE: 'missing', TLS_KEY_FILE: 'one.key' },
      /ENOENT.*expected a file with a certificate/,
    ],
    ['TLS_CERT_FILE', { TLS_CERT_FILE: 'folder', TLS_KEY_FILE: 'one.key' }, /EISDIR.*expected a file/],
    [
      'TLS_CERT_FILE',
      { TLS_CERT_FILE: 'text', TLS_KEY_FILE: 'one.key' },
      /text", expected a file with a certificate in PEM/,
    ],
    [
      'TLS_CERT_FILE',
      { TLS_CERT_FILE: 'broken', TLS_KEY_FILE: 'one.key' },
      /broken", expected a file with a certificate/,
    ],
    ['TLS_CERT_FILE', { TLS_CERT_FILE: 'one.key', TLS_KEY_FILE: 'one.key' }, /expected a file with a certificate/],
    [
      'TLS_KEY_FILE',
      { TLS_CERT_FILE: 'one.pem', TLS_KEY_FILE: 'one.pem' },
      /expected a file with a private key in PEM/,
    ],
    ['TLS_KEY_FILE', { TLS_CERT_FILE: 'one.pem', TLS_KEY_FILE: 'locked' }, /expected .* no passphrase/],
    ['TLS_KEY_FILE', { TLS_CERT_FILE: 'one.pem', TLS_KEY_FILE: 'two.key' }, /key of another certificate/],
    ['TLS_KEY_FILE', { TLS_CERT_FILE: 'one.pem' }, /got nothing, expected the private key of TLS_CERT_FILE/],
    ['TLS_CERT_FILE', { TLS_KEY_FILE: 'one.key' }, /got nothing, expected the certificate of TLS_KEY_FILE/],
    ['MQTT_TLS_KEY_FILE', { MQTT_TLS_CERT_FILE: 'one.pem' }, /got nothing, expected the private key/],
    ['MQTT_TLS_CA_FILE', { MQTT_TLS_CA_FILE: 'text', MQTT_URL: 'mqtts://b' }, /expected a file with a certificate/],
    ['MQTT_TLS_CA_FILE', { MQTT_TLS_CA_FILE: 'ca' }, /got a file alone, expected MQTT_TLS_CERT_FILE/],
    [
      'MQTT_TLS_CA_FILE',
      { MQTT_TLS_CA_FILE: 'ca', MQTT_URL: 'mqtt://u:secret@b' },
      /without TLS, expected mqtts or wss/,
    ],
    [
      'MQTT_TLS_CERT_FILE',
      { MQTT_TLS_CERT_FILE: 'one.pem', MQTT_TLS_KEY_FILE: 'one.key', MQTT_URL: 'ws://b' },
      /without TLS, expected mqtts or wss/,
    ],
    ['MQTT_TLS_PORT', { MQTT_TLS_PORT: '70000' }, /expected a port/],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.1,proxy' }, /got "10.0.0.1,proxy", expected addresses or ranges/],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.0/33' }, /expected addresses or ranges/],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '::1/129' }, /expected addresses or ranges/],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.0/8/8' }, /expected addresses or ranges/],
    ['MQTT_AUTH_SECRET', { MQTT_AUTH_SECRET: 'too-secret' }, /not shown.*expected 16 to 256 printable/],
  ])('%s: %j is refused in one line', (name, given, expected) => {
    const read = () => readConfig(envOf(given))
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(new RegExp(`^${name}: [^\\n]*$`))
    expect(read).toThrow(expected)
    expect(read).not.toThrow(/secret/)
  })

  it('of proxies are addresses and ranges', () => {
    const given = '10.0.0.1, 192.168.0.0/16,::1,fd00::/8'
    expect(readConfig({ TRUSTED_PROXIES: given }).trustedProxies).toEqual(given.split(/, ?/))
  })
})
