import { expect, it } from 'vitest'
import { readUpdate, toUpdate } from '../../src/mqtt/updates.ts'
import { updatedTopic } from '../../src/protocol/topics.ts'
import { beginningOfDeployment, beginningOfReplica, encodeUpdate } from '../../src/protocol/updates.ts'
import { newExecution } from '../support/execution.ts'

const author = { deployment: 'depot "ä"', replica: 'replica-1' }

it('an update begins with who publishes it, by which a replica knows its own without reading on', () => {
  const payload = encodeUpdate(toUpdate(author, newExecution()))
  expect(payload.startsWith(beginningOfDeployment(author.deployment))).toBe(true)
  expect(payload.startsWith(beginningOfReplica(author.deployment, author.replica))).toBe(true)
})

it('an update is read as the execution that it was written from', () => {
  const execution = newExecution()
  const topic = updatedTopic({ thingId: execution.thingId, executionId: execution.id })
  const payload = Buffer.from(encodeUpdate(toUpdate(author, execution)))
  expect(readUpdate(topic, payload)).toEqual({ ...execution, publishAgainAt: null, requestedFrom: null })
})
