import { duplexPair } from 'node:stream'
import { Aedes } from 'aedes'
import { expect, it, onTestFinished } from 'vitest'
import { encodeRequest } from '../../src/protocol/messages.ts'
import { requestTopic } from '../../src/protocol/topics.ts'
import { recordEvents, requestWith, runDevice } from './support.ts'

it('a device reaches a broker in its own process without a port', async () => {
  const aedes = await Aedes.createBroker()
  onTestFinished(() => new Promise<void>((resolve) => aedes.close(resolve)))
  const connect = () => {
    const [ours, theirs] = duplexPair()
    aedes.handle(theirs)
    return ours
  }
  const events = recordEvents()
  const device = await runDevice({ thingId: 't', url: connect, onEvent: events.onEvent })
  expect(await events.nth('connected')).toMatchObject({ broker: 'the broker in this process' })
  const topic = requestTopic({ thingId: 't', executionId: '01890000-0000-7000-8000-000000000001' })
  const packet = {
    cmd: 'publish',
    topic,
    payload: encodeRequest(requestWith()),
    qos: 1,
    retain: false,
    dup: false,
  } as const
  aedes.publish(packet, () => {})
  expect(await events.nth('answered')).toMatchObject({ status: 'SUCCEEDED' })
  await device.stop()
})
