/** The devices whose code the console shows, as the page of a thing writes them. */
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type DeviceFacts, endpointOf, SECRET_PLACEHOLDER } from '../../console/src/pages/thing/device/endpoint.ts'
import { javascriptCode } from '../../console/src/pages/thing/device/javascript.ts'
import { mosquittoCode } from '../../console/src/pages/thing/device/mosquitto.ts'
import { pythonCode } from '../../console/src/pages/thing/device/python.ts'
import { createAuthority, type IssuedCertificate } from '../support/certificates.ts'
import { type Broker, createJournal, playService, startBroker, uniqueThing } from './support.ts'

const isServicesRun = process.env['CI_SERVICES'] === '1'
const works = (command: string, args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0
const python = ['python3', '/usr/bin/python3'].find((command) => works(command, ['-c', 'import paho.mqtt.client']))
const hasMosquitto = spawnSync('mosquitto_sub', ['--help'], { stdio: 'ignore' }).error === undefined
if (!python) console.warn('python3 with paho-mqtt is not installed: the Python device was not run')
if (!hasMosquitto) console.warn('mosquitto_sub is not installed: the mosquitto device was not run')

const programs = [
  { name: 'mosquitto', write: mosquittoCode, command: 'sh', args: ['-c'], isThere: hasMosquitto || isServicesRun },
  {
    name: 'JavaScript',
    write: javascriptCode,
    command: process.execPath,
    args: ['--input-type=module', '-e'],
    isThere: true,
  },
  {
    name: 'Python',
    write: pythonCode,
    command: python ?? 'python3',
    args: ['-c'],
    isThere: python !== undefined || isServicesRun,
  },
]

/** Runs a program until the end of the test; what it prints, line by line. */
function runProgram(command: string, args: string[], env: Record<string, string> = {}) {
  const printed = createJournal<string>()
  const options = { env: { ...process.env, ...env }, detached: true }
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      for (const text of data.toString().split('\n').filter(Boolean)) printed.add(text)
    })
  }
  child.on('error', (error) => printed.add(String(error)))
  // The shell has children of its own.
  onTestFinished(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  return printed
}

const untilSubscribed = ({ aedes }: Broker, clientId: string): Promise<void> =>
  new Promise((resolve) => {
    aedes.on('subscribe', (_subscriptions, client) => client.id === clientId && resolve())
  })

/** Another way into a broker. */
async function startTlsDoor({ cert, key }: IssuedCertificate, { aedes, sockets }: Broker): Promise<string> {
  const server = createServer({ cert, key }, (socket) => {
    sockets.add(socket)
    aedes.handle(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return `mqtts://127.0.0.1:${address.port}`
}

describe.each(programs)('the code of a $name device', ({ write, command, args, isThere }) => {
  it.skipIf(!isThere)('acts once, answers again from memory, and ignores what has expired', async () => {
    // What a broker takes as a clientId may have a meaning in each of the languages.
    const thingId = uniqueThing()
    const clientId = `it's-"$HOME"\\${thingId.slice(-12)}`
    const secret = 'a secret'
    const logins: unknown[] = []
    const broker = await startBroker({
      authenticate(client, username, password, done) {
        if (client.id === clientId) logins.push([username, password?.toString()])
        done(null, true)
      },
    })
    const service = await playService(broker.url, thingId)
    const subscribed = untilSubscribed(broker, clientId)
    const facts: DeviceFacts = { thingId, clientId, endpoint: endpointOf(broker.url, '127.0.0.1'), needsSecret: true }
    const code = write(facts)
    expect(code).toContain(SECRET_PLACEHOLDER)
    const printed = runProgram(command, [...args, code.replaceAll(SECRET_PLACEHOLDER, secret)])
    await subscribed

    const topic = `$emqx/commands/things/${thingId}/executions/nonsense/request`
    await service.client.publishAsync(topic, 'no json', { qos: 1 })
    await printed.find((text) => text.includes('not a request'))
    await service.send(thingId, { timestamp: 1_748_390_400 })
    await printed.find((text) => text.startsWith('expired') && !text.includes('nonsense'))
    const executionId = await service.send(thingId, { params: { value: 21.5, note: "it's" } })
    await service.answers.find(() => true)
    await service.send(thingId, { executionId, params: { value: 99.25 } })
    await service.answers.find(() => service.answers.entries.length === 2)

    const [first, second] = service.answers.entries
    expect(JSON.parse(first?.payload ?? '')).toMatchObject({ status: 'SUCCEEDED' })
    expect(second).toEqual(first)
    expect(first?.topic).toBe(`$emqx/commands/things/${thingId}/executions/${executionId}/response`)
    expect(service.answers.entries.every(({ qos, retain }) => qos === 1 && !retain)).toBe(true)
    // It has acted on the first of the two.
    expect(printed.entries.filter((text) => text.includes('21.5'))).toHaveLength(1)
    expect(printed.entries.filter((text) => text.includes('99.25'))).toHaveLength(0)
    for (const login of logins) expect(login).toEqual([thingId, secret])
  })

  it.skipIf(!isThere)('comes with TLS where the broker has it', async () => {
    const thingId = uniqueThing()
    const broker = await startBroker()
    const authority = createAuthority()
    onTestFinished(authority.remove)
    const url = await startTlsDoor(authority.issue('broker'), broker)
    const service = await playService(broker.url, thingId)
    const subscribed = untilSubscribed(broker, thingId)
    const facts = { thingId, clientId: thingId, endpoint: endpointOf(url, '127.0.0.1'), needsSecret: false }
    // In place of the machine's own authorities.
    const trust = { SSL_CERT_FILE: authority.caFile, NODE_EXTRA_CA_CERTS: authority.caFile }
    runProgram(command, [...args, write(facts)], trust)
    await subscribed
    await service.send(thingId)
    expect((await service.answers.find(() => true)).payload).toContain('SUCCEEDED')
  })
})

describe('where devices connect', () => {
  const there = (url: string) => endpointOf(url, 'fleet.example.com')
  it.each([
    ['mqtt://127.0.0.1:1885', { host: 'fleet.example.com', port: 1885, isTls: false }],
    ['mqtt://0.0.0.0:1883', { host: 'fleet.example.com', port: 1883, isTls: false }],
    ['mqtts://[::]:8884', { host: 'fleet.example.com', port: 8884, isTls: true }],
    ['mqtt://localhost', { host: 'fleet.example.com', port: 1883, isTls: false }],
    ['mqtts://broker.example.com', { host: 'broker.example.com', port: 8883, isTls: true }],
    ['mqtt://[2001:db8::7]:1999', { host: '[2001:db8::7]', port: 1999, isTls: false }],
    ['wss://broker.example.com:443', { host: 'broker.example.com', port: 8883, isTls: true }],
  ])('%s', (url, expected) => {
    expect(there(url)).toEqual(expected)
  })
})
