/** The command line: what it explains, what it refuses in one line, what it prints, and how it ends. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { printedSchema } from '../src/graphql/schema.ts'
import { type Running, runCli, startCli } from './support/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'fc-cli-'))
/** An empty folder to run in, so that no .env is found. */
const cwd = join(folder, 'cwd')
const FREE_PORTS = { PORT: '0', MQTT_PORT: '0', LOG_LEVEL: 'warn' }

beforeAll(() => mkdirSync(cwd))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('fleet-commands', () => {
  it('explains each command', async () => {
    const all = await runCli(['--help'], { cwd })
    expect(all).toMatchObject({ code: 0, stderr: '' })
    const commands = ['serve', 'demo', 'device', 'migrate', 'export', 'import', 'acl', 'mosquitto-passwords', 'schema']
    for (const command of commands) expect(all.stdout).toMatch(new RegExp(`^ {2}${command} .*\\w`, 'm'))
    const each = await Promise.all(commands.map((command) => runCli([command, '--help'], { cwd })))
    for (const [index, { code, stdout }] of each.entries()) {
      expect(code).toBe(0)
      expect(stdout).toContain(`Usage: fleet-commands ${commands[index]}`)
    }
    const version = (await runCli(['--version'], { cwd })).stdout.trim()
    expect(version).toBe(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version)
  })

  it('refuses what it does not know, and says where the help is', async () => {
    const cases: [string[], RegExp][] = [
      [['srve'], /unknown command 'srve'/],
      [['serve', '--prot', '1'], /unknown option '--prot'/],
      [['device', 'a/b'], /'a\/b' .*expected 1 to 128 characters/],
      [['device', 'a', '--url', 'http://x'], /'http:\/\/x' .*expected .*mqtt:/],
      [['device', 'a', '--latency', 'soon'], /'soon' .*expected milliseconds/],
      [['device', 'a', '--ca', '/no/such'], /ENOENT.*expected a file in PEM/],
      [['acl', 'hivemq'], /'hivemq' .*expected emqx or mosquitto/],
      [['acl', 'mosquitto', '--service-user', 'a', 'b\ntopic #'], /expected 1 to 128 characters/],
    ]
    const results = await Promise.all(cases.map(([args]) => runCli(args, { cwd })))
    for (const [index, { code, stdout, stderr }] of results.entries()) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(cases[index]?.[1] ?? /never/)
      expect(stderr).toContain('--help')
      expect(stderr).not.toMatch(/\n {4}at /)
    }
  })

  it('prints the schema, or writes it', async () => {
    expect(await runCli(['schema'], { cwd })).toEqual({ code: 0, stdout: printedSchema(), stderr: '' })
    const file = join(folder, 'out.graphql')
    expect(await runCli(['schema', '--out', file], { cwd })).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(file, 'utf8')).toBe(printedSchema())
  })
})

describe('a setting that cannot be used', () => {
  const cases: [string, Record<string, string>, RegExp][] = [
    ['HOST', { HOST: '192.0.2.1' }, /192\.0\.2\.1.*expected an address of this machine/],
    [
      'DATABASE_URL',
      { DATABASE_URL: 'postgres://u:secret@localhost:1/d' },
      /^(?!.*secret).*localhost:1\/d \(.*ECONNREFUSED.*\), expected/,
    ],
    ['DATA_DIR', { DATA_DIR: join(folder, 'file', 'x') }, /ENOTDIR.*expected a folder/],
    ['TLS_KEY_FILE', { TLS_KEY_FILE: '/no/such' }, /ENOENT.*expected a file with a private key/],
    ['MQTT_TLS_CA_FILE', { MQTT_TLS_CA_FILE: join(folder, 'file') }, /expected a file with a certificate in PEM/],
  ]

  it.each(cases)('%s ends in one line', async (name, env, expected) => {
    writeFileSync(join(folder, 'file'), '')
    expectOneLine(
      await runCli(['serve'], { cwd, env: { ...FREE_PORTS, DATA_DIR: emptyData(), ...env } }),
      name,
      expected,
    )
  })

  it('of a .env file is one like any other, and the environment wins', async () => {
    const place = join(folder, 'with-env')
    mkdirSync(place)
    writeFileSync(join(place, '.env'), 'PORT=from-file\nLOG_LEVEL=warn\n')
    const broken = join(folder, 'broken-env')
    mkdirSync(join(broken, '.env'), { recursive: true })
    const [fromFile, fromEnvironment, absent, unread] = await Promise.all([
      runCli(['serve'], { cwd: place }),
      runCli(['serve'], { cwd: place, env: { PORT: '99999' } }),
      runCli(['migrate'], { cwd: place, env: { PORT: '0' } }),
      runCli(['serve'], { cwd: broken }),
    ])
    expectOneLine(fromFile, 'PORT', /"from-file"/)
    expectOneLine(fromEnvironment, 'PORT', /"99999"/)
    expectOneLine(absent, 'DATABASE_URL', /nothing.*expected/)
    expectOneLine(unread, '.env', /expected/)
  })

  function expectOneLine({ code, stdout, stderr }: Awaited<ReturnType<typeof runCli>>, name: string, expected: RegExp) {
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^[^\n]+\n$/)
    expect(stderr.startsWith(`${name}: `)).toBe(true)
    expect(stderr.trim()).toMatch(expected)
  }
})

describe('serve', () => {
  const dataDir = emptyData()
  let serving: Running
  let taken: Server
  let takenPort: number

  beforeAll(async () => {
    taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    takenPort = (taken.address() as AddressInfo).port
    serving = startCli(['serve'], { cwd, env: { ...FREE_PORTS, MQTT_PORT: String(takenPort), DATA_DIR: dataDir } })
    await serving.shows(/Then send a command:[\s\S]+\n\n/)
  })

  afterAll(async () => {
    await serving.stop('SIGKILL')
    taken.close()
  })

  it('shows where everything is, and commands that work when pasted', async () => {
    const text = serving.stdout()
    const [, url] = /Console +(http:\/\/127\.0\.0\.1:\d+)\//.exec(text) ?? []
    for (const path of ['/', '/api/v1/openapi.json', '/graphql?query={__typename}', '/readyz'])
      expect((await fetch(`${url}${path}`)).status).toBe(200)
    const [, mqttPort] = /MQTT +mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? []
    expect(Number(mqttPort)).not.toBe(takenPort)
    expect(text).toContain(`Port ${takenPort} is taken, so the embedded broker listens on ${mqttPort}`)
    expect(text).toContain(dataDir)
    for (const lack of ['not a power loss', 'no message expiry', 'sessions in memory only', 'fleet-commands export'])
      expect(text).toContain(lack)
    expect(text).toContain(`npm run device -- thermostat-001 --url mqtt://127.0.0.1:${mqttPort}`)

    const [register = '', send = ''] = curlsIn(text)
    expect(await sh(register)).toEqual({ data: { registerThing: { thing: { id: 'thermostat-001' }, errors: [] } } })
    const device = startCli(['device', 'thermostat-001', '--url', `mqtt://127.0.0.1:${mqttPort}`, '--latency', '0'], {
      cwd,
    })
    await device.shows(/\n/)
    expect(await sh(send)).toMatchObject({ data: { sendCommand: { execution: { status: 'SUCCEEDED' }, errors: [] } } })
    expect(await device.stop('SIGINT')).toBe(0)
  })

  it('refuses a folder and a port that another process has, each in one line', async () => {
    const port = new URL(/http:\/\/[^/]+/.exec(serving.stdout())?.[0] ?? '').port
    const [folderTaken, portTaken] = await Promise.all([
      runCli(['serve'], { cwd, env: { ...FREE_PORTS, DATA_DIR: dataDir } }),
      runCli(['serve'], { cwd, env: { ...FREE_PORTS, PORT: port, DATA_DIR: emptyData() } }),
    ])
    expect(folderTaken).toMatchObject({ code: 1, stdout: '' })
    expect(folderTaken.stderr).toMatch(/^DATA_DIR: got ".*data-\w+", which process \d+ is using; expected [^\n]+\n$/)
    expect(portTaken).toMatchObject({ code: 1, stdout: '' })
    expect(portTaken.stderr).toMatch(new RegExp(`^PORT: [^\\n]*:${port}, expected a free port[^\\n]*\\n$`))
  })

  it('stops at SIGTERM with code 0, and gives its folder back', async () => {
    expect(existsSync(join(dataDir, 'fleet-commands.lock'))).toBe(true)
    expect(await serving.stop('SIGTERM')).toBe(0)
    expect(existsSync(join(dataDir, 'fleet-commands.lock'))).toBe(false)
    expect(serving.stderr()).toBe('')
  })
})

describe('demo', () => {
  it('prints a command that works when pasted, and throws everything away at SIGINT', async () => {
    const temporary = join(folder, 'tmp')
    mkdirSync(temporary)
    const demo = startCli(['demo'], { cwd, env: { PORT: '0', MQTT_PORT: '0', TMPDIR: temporary } })
    await demo.shows(/Ctrl-C/)
    expect(readdirSync(temporary)).toHaveLength(1)
    const [send = ''] = curlsIn(demo.stdout())
    expect(await sh(send)).toMatchObject({
      data: { sendCommand: { execution: { status: 'SUCCEEDED', result: { currentTemperature: 24 } }, errors: [] } },
    })
    expect(await demo.stop('SIGINT')).toBe(0)
    expect(readdirSync(temporary)).toEqual([])
    expect(demo.stderr()).toBe('')
  })
})

/** A data folder with an empty database in it, which saves the time of making one. */
function emptyData(): string {
  const dataDir = mkdtempSync(join(folder, 'data-'))
  cpSync(inject('templateDataDir'), dataDir, { recursive: true })
  return dataDir
}

/** The curl commands in a text, each with the lines that continue it. */
const curlsIn = (text: string): string[] => text.match(/curl .*(?<=\\)\n.*/g) ?? []

async function sh(command: string): Promise<unknown> {
  return JSON.parse((await promisify(execFile)('sh', ['-c', command])).stdout)
}
