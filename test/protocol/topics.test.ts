import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ALL_RESPONSES,
  ALL_UPDATES,
  canaryTopic,
  isCanaryTopic,
  isExecutionId,
  isThingId,
  parseRequestTopic,
  parseResponseTopic,
  parseUpdatedTopic,
  requestFilter,
  requestTopic,
  responseTopic,
  sharedFilter,
  thingOfRequestFilter,
  thingOfUpdatedFilter,
  updatedFilter,
  updatedTopic,
} from '../../src/protocol/topics.ts'

const thingIds = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,128}$/)
const executionIds = fc.uuid()
const anyExecution = fc.record({ thingId: thingIds, executionId: executionIds })
const executionId = '01890000-0000-7000-8000-000000000001'

const HOSTILE_NAMES = [
  '',
  '/',
  '+',
  '#',
  'a/b',
  '../b',
  'a+',
  '+a',
  'a#',
  '#a',
  '$share/g/a',
  'a\0',
  '\0a',
  'a\n',
  '\na',
  'a\r',
  ' a',
  'a ',
  'a b',
  'a\t',
  'a\u00a0',
  'ä',
  'é',
  '温度计',
  '😀',
  '\ud800',
  '\ufeffa',
  '\ufffe',
  'a\u2028',
  'a%2Fb',
  'a\\b',
  'a"b',
  "a'b",
  'a$b',
  'a,b',
  'a'.repeat(129),
]

/** Topics that are nearly right: the true one with something replaced, removed or added. */
const nearTopics = fc
  .tuple(
    anyExecution,
    fc.nat(70),
    fc.nat(3),
    fc.constantFrom('', '/', '+', '#', '\0', ' ', 'x', 'A', '/request', '/response'),
  )
  .map(([execution, at, length, patch]) => {
    const topic = responseTopic(execution)
    return topic.slice(0, at) + patch + topic.slice(at + length)
  })
const anyTopics = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), nearTopics, anyExecution.map(responseTopic))

describe('topics', () => {
  it('come back from what they were built of', () => {
    fc.assert(
      fc.property(anyExecution, (execution) => {
        expect(parseRequestTopic(requestTopic(execution))).toEqual(execution)
        expect(parseResponseTopic(responseTopic(execution))).toEqual(execution)
        expect(parseRequestTopic(responseTopic(execution))).toBeUndefined()
        expect(parseResponseTopic(requestTopic(execution))).toBeUndefined()
      }),
    )
  })

  it('read as the contract says', () => {
    const execution = { thingId: 'thermostat-001', executionId }
    expect(requestTopic(execution)).toBe(`$emqx/commands/things/thermostat-001/executions/${executionId}/request`)
    expect(responseTopic(execution)).toBe(`$emqx/commands/things/thermostat-001/executions/${executionId}/response`)
    expect(requestFilter('thermostat-001')).toBe('$emqx/commands/things/thermostat-001/executions/+/request')
  })

  it('of updates are covered by the filters of their thing and of their execution, and by no other kind', () => {
    const execution = { thingId: 'thermostat-001', executionId }
    const { thingId } = execution
    expect(updatedTopic(execution)).toBe(`$emqx/commands/things/thermostat-001/executions/${executionId}/updated`)
    expect(parseUpdatedTopic(updatedTopic(execution))).toEqual(execution)
    expect(parseUpdatedTopic(responseTopic(execution))).toBeUndefined()
    expect(updatedFilter({ thingId })).toBe('$emqx/commands/things/thermostat-001/executions/+/updated')
    expect(updatedFilter({ executionId })).toBe(`$emqx/commands/things/+/executions/${executionId}/updated`)
    expect(updatedFilter({})).toBe(ALL_UPDATES)
    expect(thingOfUpdatedFilter(updatedFilter({ thingId }))).toBe(thingId)
    expect(thingOfUpdatedFilter(updatedTopic(execution))).toBe(thingId)
    for (const filter of [ALL_UPDATES, updatedFilter({ executionId }), requestFilter(thingId)])
      expect(thingOfUpdatedFilter(filter)).toBeUndefined()
    for (const name of HOSTILE_NAMES) {
      expect(() => updatedFilter({ thingId: name })).toThrow(TypeError)
      expect(() => updatedFilter({ executionId: name })).toThrow(TypeError)
    }
  })

  it('of canaries are of no thing', () => {
    const topic = canaryTopic(executionId)
    expect(isCanaryTopic(topic)).toBe(true)
    expect(parseResponseTopic(topic)).toBeUndefined()
    expect(isCanaryTopic(responseTopic({ thingId: 'canary', executionId }))).toBe(false)
    expect(sharedFilter('g', ALL_RESPONSES)).toBe('$share/g/$emqx/commands/things/+/executions/+/response')
  })

  it('are built of names that parse back, or not at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (thingId, id) => {
        let topic: string
        try {
          topic = requestTopic({ thingId, executionId: id })
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        expect(parseRequestTopic(topic)).toEqual({ thingId, executionId: id })
      }),
    )
  })

  it.each(HOSTILE_NAMES)('refuse the name %j', (name) => {
    expect(isThingId(name)).toBe(false)
    expect(() => requestTopic({ thingId: name, executionId })).toThrow(TypeError)
    expect(() => responseTopic({ thingId: name, executionId })).toThrow(TypeError)
    expect(() => requestFilter(name)).toThrow(TypeError)
    expect(parseResponseTopic(`$emqx/commands/things/${name}/executions/${executionId}/response`)).toBeUndefined()
    expect(parseRequestTopic(`$emqx/commands/things/${name}/executions/${executionId}/request`)).toBeUndefined()
    expect(thingOfRequestFilter(`$emqx/commands/things/${name}/executions/+/request`)).toBeUndefined()
  })

  // `.` is a character of names, and neither MQTT nor the pattern gives it a meaning.
  it.each(['.', '..', '...', ':', '-', '_', 'a'.repeat(128)])('accept the name %j as it is', (thingId) => {
    expect(parseRequestTopic(requestTopic({ thingId, executionId }))).toEqual({ thingId, executionId })
  })

  it.each([
    '',
    '+',
    '#',
    'x',
    executionId.toUpperCase().replace('0189', 'ABCD'),
    `${executionId} `,
    `${executionId}\n`,
    `{${executionId}}`,
    executionId.replaceAll('-', ''),
    `${executionId}0`,
  ])('refuse the execution id %j', (id) => {
    expect(isExecutionId(id)).toBe(false)
    expect(() => responseTopic({ thingId: 'a', executionId: id })).toThrow(TypeError)
    expect(parseResponseTopic(`$emqx/commands/things/a/executions/${id}/response`)).toBeUndefined()
  })

  it('parse never throws, and accepts nothing but what would be built', () => {
    fc.assert(
      fc.property(anyTopics, (topic) => {
        const response = parseResponseTopic(topic)
        if (response) expect(responseTopic(response)).toBe(topic)
        const request = parseRequestTopic(topic)
        if (request) expect(requestTopic(request)).toBe(topic)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the thing of a request filter', () => {
  it('is the one it was made for, with any execution or exactly one', () => {
    fc.assert(
      fc.property(anyExecution, (execution) => {
        expect(thingOfRequestFilter(requestFilter(execution.thingId))).toBe(execution.thingId)
        expect(thingOfRequestFilter(requestTopic(execution))).toBe(execution.thingId)
        expect(thingOfRequestFilter(responseTopic(execution))).toBeUndefined()
      }),
    )
  })

  it.each([
    '#',
    '+',
    '$emqx/#',
    '$emqx/commands/things/a/#',
    '$emqx/commands/things/a/executions/#',
    '$emqx/commands/things/a/executions/+/+',
    '$emqx/commands/things/a/executions/+/response',
    '$emqx/commands/things/+/executions/+/request',
    '$emqx/commands/things/a/+/+/request',
    '+/commands/things/a/executions/+/request',
    '$share/g/$emqx/commands/things/a/executions/+/request',
    '$queue/$emqx/commands/things/a/executions/+/request',
    '$emqx/commands/things/a/executions/+/request/#',
    '$emqx/commands/things/a/executions/+/request/',
    '/$emqx/commands/things/a/executions/+/request',
  ])('is none for %j, which covers more or other topics', (filter) => {
    expect(thingOfRequestFilter(filter)).toBeUndefined()
  })

  it('never throws', () => {
    fc.assert(fc.property(anyTopics, (filter) => void thingOfRequestFilter(filter)))
  })
})
