/** The command line, where devices of others are concerned: access lists, passwords, and a broker that is not for this machine alone. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSecretOf } from '../src/domain/thing-secrets.ts'
import { type Backend, createBackend } from './support/backend.ts'
import { type Authority, createAuthority } from './support/certificates.ts'
import { type Running, runCli, startCli } from './support/cli.ts'
import { createClient } from './support/client.ts'
import { uniqueName } from './support/names.ts'
import { loginOf, registerWithSecret } from './support/secrets.ts'
import { startService } from './support/service.ts'
import { adminToken, JWT_ENV } from './support/token.ts'

const cwd = mkdtempSync(join(tmpdir(), 'fc-cli-devices-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

describe('acl', () => {
  it('names the service by its users, and things by a placeholder', async () => {
    const mosquitto = await runCli(['acl', 'mosquitto', '--service-user', 'fleet-1', '--service-user', 'fleet-2'], {
      cwd,
    })
    expect(mosquitto).toMatchObject({ code: 0, stderr: '' })
    expect(mosquitto.stdout).toMatch(/^user fleet-1\ntopic write .*\/request\ntopic read .*\/response\n/)
    expect(mosquitto.stdout).toContain('\nuser fleet-2\n')
    expect(mosquitto.stdout).toMatch(/\npattern write \$emqx\/commands\/things\/%u\/executions\/\+\/response\n/)
    expect(mosquitto.stdout).toMatch(/\npattern read \$emqx\/commands\/things\/%u\/executions\/\+\/request\n$/)

    const emqx = await runCli(['acl', 'emqx'], { cwd })
    expect(emqx).toMatchObject({ code: 0, stderr: '' })
    const rules = emqx.stdout.split('\n').filter((line) => line.startsWith('{'))
    for (const rule of rules) expect(rule).toMatch(/^\{(allow|deny), .*\}\.$/)
    expect(rules[0]).toBe(
      '{allow, {user, "fleet-commands"}, publish, ["$emqx/commands/things/+/executions/+/request"]}.',
    )
    expect(rules.filter((rule) => rule.includes(`$\{username}`))).toHaveLength(2)
    expect(rules.at(-1)).toBe('{deny, all}.')
  })
})

describe('mosquitto-passwords', () => {
  let backend: Backend
  let env: Record<string, string>
  let login: { username: string; password: string }
  const plain = uniqueName('plain')

  beforeAll(async () => {
    backend = await createBackend()
    const { databaseUrl, dataDir } = backend.settings
    env = { DATA_DIR: dataDir, ...(databaseUrl && { DATABASE_URL: databaseUrl }) }
    const service = await startService({ backend, mqttUrl: undefined, replicas: 1 })
    login = await loginOf(service, uniqueName('guarded'))
    await service.registerThing(plain)
    await registerWithSecret(service, { id: 'fleet-commands' })
    await service.app.stop()
  })
  afterAll(() => backend?.dispose())

  it('writes who has a secret, for nobody else to read', async () => {
    const out = join(cwd, 'passwords')
    writeFileSync(out, 'of before', { mode: 0o644 })
    expect(await runCli(['mosquitto-passwords', '--out', out], { cwd, env })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(statSync(out).mode & 0o777).toBe(0o600)
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => line.split(':')[0]).sort()).toEqual(['fleet-commands', login.username].sort())
    const hash = lines.find((line) => line.startsWith(login.username))?.split(':')[1] ?? ''
    expect(await isSecretOf(hash, login.password)).toBe(true)
    expect(lines.join()).not.toContain(login.password)
    expect((await runCli(['mosquitto-passwords'], { cwd, env })).stdout).toBe(readFileSync(out, 'utf8'))
  })

  it('puts other users first, whose names no thing takes', async () => {
    const others = join(cwd, 'others')
    writeFileSync(others, 'fleet-commands:$7$101$c2FsdA==$aGFzaA==')
    const { stdout } = await runCli(['mosquitto-passwords', '--include', others], { cwd, env })
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toBe('fleet-commands:$7$101$c2FsdA==$aGFzaA==')
    expect(lines.slice(1).map((line) => line.split(':')[0])).toEqual([login.username])
  })

  it('says in one line what is in the way', async () => {
    const cases: [string[], RegExp][] = [
      [['--out', join(cwd, 'no', 'such', 'folder')], /^--out: ENOENT.*expected a file that we may write\n$/],
      [['--include', join(cwd, 'none')], /^--include: ENOENT.*expected a password file of Mosquitto\n$/],
    ]
    for (const [args, expected] of cases) {
      const result = await runCli(['mosquitto-passwords', ...args], { cwd, env })
      expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(expected) })
    }
    const nothing = await runCli(['mosquitto-passwords'], { cwd, env: { DATA_DIR: join(cwd, 'nowhere') } })
    expect(nothing).toMatchObject({ code: 1, stderr: expect.stringMatching(/^DATA_DIR: .*no database/) })
  })
})

/** Each starts several processes, with a database in each. */
const SLOW_MS = 120_000

describe('on an address that others reach', () => {
  const FREE = { HOST: '0.0.0.0', PORT: '0', MQTT_PORT: '0', MQTT_TLS_PORT: '0', LOG_LEVEL: 'error' }
  const WITH_TOKENS = { ...FREE, ...JWT_ENV }
  let authority: Authority
  beforeAll(() => {
    authority = createAuthority()
  })
  afterAll(() => authority?.remove())

  async function answerOf(running: Running, thingId: string, authorization: string): Promise<string | undefined> {
    const [, url = ''] = /GraphQL +(\S+?)\/graphql /.exec(running.stdout()) ?? []
    const { execution } = await createClient(url, authorization).send({ thingId, ttl: 20, wait: true })
    return execution?.status
  }

  it('serve says that devices need secrets, and how they get them', { timeout: SLOW_MS }, async () => {
    const backend = await createBackend()
    const { certFile, keyFile } = authority.issue('server')
    const tls = { MQTT_TLS_CERT_FILE: certFile, MQTT_TLS_KEY_FILE: keyFile }
    const serving = startCli(['serve'], { cwd, env: { ...WITH_TOKENS, ...tls, DATA_DIR: backend.settings.dataDir } })
    await serving.shows(/Then send a command:[\s\S]+\n\n/)
    const text = serving.stdout()
    expect(text).toContain('Devices need the secret of their thing')
    expect(text).toContain('issueSecret: true')
    const [, args = ''] = /npm run device -- (thermostat-001 --url \S+ --password) <the secret>/.exec(text) ?? []
    const [, url = ''] = /GraphQL +(\S+?)\/graphql /.exec(text) ?? []
    const authorization = await adminToken()
    const { password } = await loginOf(createClient(url, authorization), 'thermostat-001')
    const refused = await runCli(['device', 'thermostat-001', ...args.split(' ').slice(1, 3)], { cwd })
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/check the username and the password/) })
    const device = startCli(['device', ...args.split(' '), password], { cwd })
    await device.shows(/connected/i)
    expect(await answerOf(serving, 'thermostat-001', authorization)).toBe('SUCCEEDED')
    await device.stop()

    const [, tlsPort] = /mqtts:\/\/0\.0\.0\.0:(\d+)/.exec(text) ?? []
    const secure = ['--url', `mqtts://127.0.0.1:${tlsPort}`, '--ca', authority.caFile, '--password', password]
    const again = startCli(['device', 'thermostat-001', ...secure], { cwd })
    await again.shows(/connected/i)
    expect(await again.stop()).toBe(0)
    expect(await serving.stop()).toBe(0)
    await backend.dispose()
  })

  it('demo gives its things secrets', { timeout: SLOW_MS }, async () => {
    const demo = startCli(['demo'], { cwd, env: { ...FREE, TMPDIR: cwd } })
    await demo.shows(/Ctrl-C/)
    const [, key = ''] = /curl -s -u (\S+)/.exec(demo.stdout()) ?? []
    const authorization = `Basic ${Buffer.from(key).toString('base64')}`
    expect(await answerOf(demo, 'thermostat-001', authorization)).toBe('SUCCEEDED')
    const [, url = ''] = /MQTT +(\S+)/.exec(demo.stdout()) ?? []
    const stranger = await runCli(['device', 'thermostat-001', '--url', url], { cwd })
    expect(stranger).toMatchObject({ code: 1, stderr: expect.stringMatching(/refused the connection/) })
    expect(await demo.stop('SIGINT')).toBe(0)
  })
})
