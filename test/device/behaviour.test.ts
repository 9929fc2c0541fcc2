import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemory, type DeviceRequest, encodeAnswer, judgeRequest, runAct } from '../../src/device/behaviour.ts'
import { simulateThermostat } from '../../src/device/simulation.ts'
import type { Json } from '../../src/protocol/json.ts'
import { parseResponse } from '../../src/protocol/messages.ts'
import { requestWith } from './support.ts'

const requestNamed = (executionId: string, overrides: Partial<DeviceRequest> = {}): DeviceRequest => ({
  ...requestWith({ timestamp: 1000, ttl: 30 }),
  thingId: 't',
  executionId,
  ...overrides,
})
const parse = (payload: string) => parseResponse(new TextEncoder().encode(payload))
const never = new AbortController().signal

describe('the memory of a device', () => {
  it('keeps the last finished executions and forgets the oldest', () => {
    const memory = createMemory(3)
    for (const id of ['a', 'b', 'c', 'd']) memory.finish(id, 'silent')
    expect(['a', 'b', 'c', 'd'].map((id) => memory.recall(id)?.kind)).toEqual([undefined, 'silent', 'silent', 'silent'])
  })

  it('never forgets what is being acted on', () => {
    const memory = createMemory(1)
    memory.begin('slow')
    for (let id = 0; id < 5000; id += 1) memory.finish(String(id), 'silent')
    expect(memory.recall('slow')).toEqual({ kind: 'acting' })
  })

  it('acts at most once on any order of requests, as long as no more than it remembers come between', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 200 }), (ids) => {
        const memory = createMemory(10)
        const acted = ids.filter((id) => {
          const verdict = judgeRequest(requestNamed(String(id)), memory, 1001)
          if (verdict.kind !== 'act') return false
          memory.begin(String(id))
          memory.finish(String(id), 'silent')
          return true
        })
        expect(acted).toHaveLength(new Set(ids).size)
      }),
    )
  })
})

describe('the verdict on a request', () => {
  it.each([
    [1000, { kind: 'act', secondsLeft: 30 }],
    [1029.999, { kind: 'act', secondsLeft: expect.closeTo(0.001) }],
    [1030, { kind: 'expired', secondsLate: 0 }],
    [2000, { kind: 'expired', secondsLate: 970 }],
  ])('at %d is %j', (now, verdict) => {
    expect(judgeRequest(requestNamed('a'), createMemory(), now)).toEqual(verdict)
  })

  it('is expired even where the answer is remembered', () => {
    const memory = createMemory()
    memory.finish('a', encodeAnswer({ status: 'SUCCEEDED' }, 1001))
    expect(judgeRequest(requestNamed('a'), memory, 1001).kind).toBe('repeated')
    expect(judgeRequest(requestNamed('a'), memory, 1031).kind).toBe('expired')
  })
})

describe('the encoded answer', () => {
  it('is always one that the service accepts, whatever the device says', () => {
    const anything = fc.record({
      status: fc.constantFrom('SUCCEEDED' as const, 'FAILED' as const, 'REJECTED' as const),
      result: fc.anything({ withNullPrototype: true, maxDepth: 3 }).map((value) => value as Json),
      reason: fc.option(fc.record({ code: fc.string(), message: fc.option(fc.string({ unit: 'binary' })) })),
    })
    fc.assert(
      fc.property(anything, (response) => {
        expect(parse(encodeAnswer(response, 1000).payload).ok).toBe(true)
      }),
    )
  })

  it('says what was wrong with one that cannot be sent', () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    expect(encodeAnswer({ status: 'SUCCEEDED', result: 'x'.repeat(300_000) }, 1).problem).toMatch(
      /payload: expected at most/,
    )
    expect(encodeAnswer({ status: 'SUCCEEDED', result: circular as never }, 1).problem).toMatch(
      /payload: expected JSON/,
    )
    expect(encodeAnswer({ status: 'SUCCEEDED', result: 1n as never }, 1).problem).toMatch(/payload: expected JSON/)
  })

  it('is FAILED where the code of the device throws, synchronously or later', async () => {
    const throwNow = () => {
      throw new Error('x'.repeat(5000))
    }
    const failed = { status: 'FAILED', reason: { code: 'DEVICE_ERROR' } }
    expect(await runAct(throwNow, requestNamed('a'), never)).toMatchObject(failed)
    expect(await runAct(() => Promise.reject('no'), requestNamed('a'), never)).toMatchObject(failed)
  })
})

describe('the simulated thermostat', () => {
  const run = (action: string, params = {}, options = {}) => {
    const simulation = simulateThermostat({ latencyMs: 0, ...options })
    return simulation
      .act(requestNamed('a', { action, params }), never)
      .then((answer) => ({ answer, state: simulation.state() }))
  }

  it('changes its temperature', async () => {
    const { answer, state } = await run('setTemperature', { value: 24.5 })
    expect(answer).toEqual({ status: 'SUCCEEDED', result: { currentTemperature: 24.5 } })
    expect(state.currentTemperature).toBe(24.5)
  })

  it('rejects a temperature that is no number', async () => {
    const { answer, state } = await run('setTemperature', { value: 'warm' })
    expect(answer).toMatchObject({ status: 'REJECTED', reason: { code: 'BAD_PARAMS' } })
    expect(state.currentTemperature).toBe(20)
  })

  it('reboots, and echoes what it does not know', async () => {
    const { answer, state } = await run('reboot')
    expect(answer).toEqual({ status: 'SUCCEEDED', result: { rebootedAt: state.rebootedAt } })
    expect((await run('dance', { to: 'jazz' })).answer).toEqual({
      status: 'SUCCEEDED',
      result: { action: 'dance', params: { to: 'jazz' } },
    })
  })

  it.each([
    [0, 'REJECTED', 'BUSY'],
    [0.24, 'REJECTED', 'BUSY'],
    [0.25, 'FAILED', 'OVERHEATED'],
    [0.49, 'FAILED', 'OVERHEATED'],
    [0.5, 'SUCCEEDED', undefined],
  ])('with a quarter of rejects and of failures, %d is %s', async (chance, status, code) => {
    const { answer } = await run('reboot', {}, { rejectRate: 0.25, failRate: 0.25, random: () => chance })
    expect(answer).toMatchObject({ status, ...(code && { reason: { code } }) })
  })
})
