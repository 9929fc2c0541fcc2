import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createJournal, playService, startBroker, uniqueThing } from './support.ts'

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const textOf = (path: string): string => readFileSync(fileOf(path), 'utf8')

const isServicesRun = process.env.CI_SERVICES === '1'
// Debian's package belongs to Debian's Python, which need not be the first one in the path.
const python = ['python3', '/usr/bin/python3'].find(
  (command) => spawnSync(command, ['-c', 'import paho.mqtt.client'], { stdio: 'ignore' }).status === 0,
)
if (!python) console.warn('python3 with paho-mqtt is not installed: examples/device.py was not run')

const examples = [
  {
    path: 'examples/device.mjs',
    language: 'js',
    command: process.execPath,
    argsOf: (url: URL) => [url.href],
    isThere: true,
  },
  {
    path: 'examples/device.py',
    language: 'python',
    command: python ?? 'python3',
    argsOf: (url: URL) => [url.hostname, url.port],
    isThere: python !== undefined || isServicesRun,
  },
]

/** Runs an example until the end of the test; what it prints, line by line. */
function runExample(command: string, args: string[]) {
  const printed = createJournal<string>()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      for (const text of data.toString().split('\n').filter(Boolean)) printed.add(text)
    })
  }
  child.on('error', (error) => printed.add(String(error)))
  onTestFinished(() => void child.kill('SIGKILL'))
  return printed
}

describe.each(examples)('$path', ({ path, language, command, argsOf, isThere }) => {
  it('is what PROTOCOL.md shows', () => {
    const blocks = textOf('PROTOCOL.md')
      .split('\n```')
      .map((block) => block.split('\n'))
    const shown = blocks.filter(([opening]) => opening === language).map(([, ...lines]) => `${lines.join('\n')}\n`)
    expect(shown).toEqual([textOf(path)])
  })

  it.skipIf(!isThere)('answers, ignores what has expired, and answers a repeated request from memory', async () => {
    const { url } = await startBroker()
    const thingId = uniqueThing()
    const service = await playService(url, thingId)
    const printed = runExample(command, [fileOf(path), thingId, ...argsOf(new URL(url))])
    expect(await printed.find((text) => /ready|rror/.test(text))).toContain('ready')

    await service.client.publishAsync(`$emqx/commands/things/${thingId}/executions/nonsense/request`, 'no json', {
      qos: 1,
    })
    await service.send(thingId, { timestamp: 1_748_390_400 })
    const executionId = await service.send(thingId, { params: { value: 21.5 } })
    await service.answers.find(() => true)
    await service.send(thingId, { executionId, params: { value: 99 } })
    await service.send(thingId, { action: 'dance' })
    await service.answers.find(() => service.answers.entries.length === 3)

    const answers = service.answers.entries.map(({ payload }) => JSON.parse(payload))
    const done = { status: 'SUCCEEDED', result: { currentTemperature: 21.5 } }
    expect(answers).toContainEqual({
      status: 'REJECTED',
      reason: { code: 'ACTION_UNKNOWN', message: expect.any(String) },
    })
    expect(answers.filter(({ status }) => status === 'SUCCEEDED')).toEqual([done, done])
    expect(service.answers.entries.every(({ qos, retain }) => qos === 1 && !retain)).toBe(true)
    expect(printed.entries.some((text) => text.startsWith('expired'))).toBe(true)
  })
})
