/**
 * Hostile input at every door: no crash, no answer of 500, no word of what is inside, no lost link to the broker. How many inputs:
 * FUZZ_INPUTS, 100,000 for a long run (`npm run fuzz`).
 */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { responseTopic } from '../../src/protocol/topics.ts'
import { type Service, startService } from '../support/service.ts'
import { type Reply, type Shot, shot } from './doors.ts'
import { garbage, json, text } from './inputs.ts'

const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? 2_000)
const AT_ONCE = 32
const BATCH = 1_000
const MQTT_SHARE = 0.25
const TOPIC_SHARE = 0.05
/** What would be told of the inside: statements, paths, stacks, drivers. */
const INSIDE =
  /\bat .+:\d+:\d+|node_modules|\/src\/|\.(ts|js):\d|postgres|pglite|drizzle|relation "|syntax error at or near|ECONN|violates|invalid input syntax|INTERNAL_SERVER_ERROR|Something went wrong/i

const response = fc.oneof(
  json.filter((sent) => !isAnswer(sent)),
  garbage.filter((sent) => !isAnswer(sent)),
  fc
    .tuple(fc.constantFrom('SENT', 'TIMED_OUT', 'succeeded', 'CANCELED'), json, json)
    .map(([status, result, reason]) => `{"status":"${status}","result":${result},"reason":${reason}}`),
)
const isAnswer = (sent: string): boolean => /"(SUCCEEDED|FAILED|REJECTED)"/.test(sent)

const ID = randomUUID()
const topics = text
  .map((part) => part.replace(/[+#\0]/g, '').slice(0, 100))
  .filter((part) => part !== '')
  .chain((part) =>
    fc.constantFrom(
      part,
      `$emqx/commands/things/${part}/executions/${ID}/response`,
      `$emqx/commands/things/fuzzed/executions/${part}/response`,
      `$emqx/commands/things/fuzzed/executions/${ID}/${part}`,
      `$emqx/${part}`,
    ),
  )

let service: Service
let device: MqttClient

beforeAll(async () => {
  service = await startService({ replicas: 1, logLevel: (process.env['FUZZ_LOG'] ?? 'silent') as 'silent' })
  await service.registerThing('fuzzed')
  device = await connectAsync(service.mqttUrl, { clientId: `fuzzed`, reconnectPeriod: 50 })
})

afterAll(async () => {
  await device.endAsync(true)
  await service.stop()
})

/** What is wrong with a reply, if anything is. What was sent may come back in it, and may look like anything. */
function problemOf({ what }: Shot, { status, said }: Reply): string | undefined {
  if (status === 500) return `500 for ${what.slice(0, 500)}: ${said.slice(0, 500)}`
  // The page of GraphiQL is a program.
  const found = said.includes('<!doctype html>') ? null : INSIDE.exec(said)
  return found && !what.includes(found[0])
    ? `${JSON.stringify(found[0])} told for ${what.slice(0, 500)}: ${said.slice(0, 500)}`
    : undefined
}

const reconnects = async (): Promise<string> => {
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  const found = /^fleet_commands_broker_connections_total (\d+)/m.exec(metrics)?.[1]
  if (!found) throw new Error('the metrics do not say how often the service connected to the broker')
  return found
}

it(`takes ${INPUTS} hostile inputs`, { timeout: 60_000 + INPUTS * 60 }, async () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
  const connected = await reconnects()
  const problems: string[] = []
  const count = Math.ceil(INPUTS * (1 - MQTT_SHARE - TOPIC_SHARE))
  // A batch at a time: all of them at once would not fit into the memory.
  let batch: Shot[] = []
  let drawn = 0
  const draw = (): Shot | undefined => {
    if (batch.length === 0 && drawn < count) {
      batch = fc.sample(shot, { numRuns: Math.min(BATCH, count - drawn), seed: seed + drawn })
      drawn += batch.length
    }
    return batch.pop()
  }
  const shoot = async () => {
    for (let one = draw(); one && problems.length < 10; one = draw()) {
      const reply = await one
        .fire(service.url)
        .catch((error: Error) => ({ status: 500, said: String(error.cause ?? error) }))
      const problem = problemOf(one, reply)
      if (problem) problems.push(problem)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, shoot))
  expect(problems, `FUZZ_SEED=${seed}`).toEqual([])
  expect(await reconnects(), `FUZZ_SEED=${seed}`).toBe(connected)
})

it('takes hostile responses of a device', { timeout: 60_000 + INPUTS * 60 }, async () => {
  const connected = await reconnects()
  const { execution } = await service.send({ thingId: 'fuzzed', ttl: 600 })
  const topic = responseTopic({ thingId: 'fuzzed', executionId: execution?.id ?? '' })
  const messages = fc.sample(response, Math.floor(INPUTS * MQTT_SHARE))
  for (const message of messages) await device.publishAsync(topic, message, { qos: 1 })
  // None of it was an answer: the execution is as open as before, and a good answer settles it.
  const read = () => service.execution(execution?.id ?? '')
  await expect.poll(async () => (await read()).ignoredResponseCount, { timeout: 20_000 }).toBe(messages.length)
  const before = await read()
  expect([before.status, before.ignoredResponses.length]).toEqual(['SENT', 10])
  await device.publishAsync(topic, '{"status":"SUCCEEDED"}', { qos: 1 })
  await expect.poll(async () => (await service.execution(before.id)).status).toBe('SUCCEEDED')
  expect(await reconnects()).toBe(connected)
})

it('takes hostile topics of a device', { timeout: 60_000 + INPUTS * 60 }, async () => {
  const connected = await reconnects()
  for (const topic of fc.sample(topics, Math.floor(INPUTS * TOPIC_SHARE))) await publishAndLeave(topic)
  expect(await reconnects()).toBe(connected)
})

/** Where the broker disconnects whoever publishes this, mqtt.js would come back and publish it again: so each has a client of its own. */
async function publishAndLeave(topic: string): Promise<void> {
  const stranger = await connectAsync(service.mqttUrl, { clientId: 'fuzzed-stranger', reconnectPeriod: 0 })
  const left = new Promise<void>((resolve) => stranger.once('close', resolve))
  await Promise.race([stranger.publishAsync(topic, '{"status":"SUCCEEDED"}', { qos: 1 }).catch(() => {}), left])
  await stranger.endAsync(true)
}

it('has polluted nothing', () => {
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})
