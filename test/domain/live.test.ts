import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { versionOf } from '../../src/domain/execution.ts'
import { createLive, type Live, type LiveScope } from '../../src/domain/live.ts'
import { createVersions } from '../../src/domain/versions.ts'
import { newExecution } from '../support/execution.ts'

const execution = (version: number, id: string = randomUUID(), thingId = 'thing') =>
  newExecution({ id, thingId, status: 'SENT', ignoredCount: version })

function listen(live: Live, scope: LiveScope = {}): { told: number[]; stop: () => void } {
  const told: number[] = []
  const stop = live.listen(scope, { onChange: (one) => told.push(versionOf(one)), onGap() {} })
  return { told, stop }
}

const LATER = () => performance.now() + 1_000
const EARLIER = () => performance.now() - 1_000

describe('the version of an execution', () => {
  it('rises with its settling and with each response that is kept, and not with those that are only counted', () => {
    expect([0, 1, 9, 10, 11, 1000].map((count) => versionOf({ status: 'SENT', ignoredCount: count }))).toEqual([
      0, 1, 9, 10, 10, 10,
    ])
    expect(versionOf({ status: 'FAILED', ignoredCount: 3 })).toBe(4)
  })
})

describe('live changes', () => {
  it('of one execution never go back, and are told once, whichever way they come', () => {
    const live = createLive()
    const { told } = listen(live)
    const id = randomUUID()
    live.publish([execution(1, id)])
    live.relay([execution(0, id)])
    live.relay([execution(1, id)])
    live.relayFound([execution(1, id)], LATER)
    live.relay([execution(3, id)])
    live.publish([execution(2, id)])
    expect(told).toEqual([1, 3])
  })

  it('of another execution are their own', () => {
    const live = createLive()
    const { told } = listen(live)
    live.publish([execution(2), execution(1), execution(0)])
    expect(told).toEqual([2, 1, 0])
  })

  it('are announced, all that this process committed and nothing else', () => {
    const announced: number[] = []
    const live = createLive((executions) => announced.push(...executions.map(versionOf)))
    const id = randomUUID()
    live.publish([execution(0, id)])
    live.relay([execution(2, id)])
    live.publish([execution(1, id)])
    expect(announced).toEqual([0, 1])
  })

  it('older than what a listener read for itself are told to nobody, and what it read still is', () => {
    const live = createLive()
    const { told } = listen(live)
    const id = randomUUID()
    live.noteRead([execution(2, id)])
    live.relay([execution(1, id)])
    live.relay([execution(2, id)])
    expect(told).toEqual([2])
  })

  it('found in the database are told to those who listened before the change, and to followers of just this execution', () => {
    const live = createLive()
    const one = execution(1)
    const all = listen(live)
    const ofThing = listen(live, { thingIds: ['thing'] })
    const ofOne = listen(live, { executionId: one.id })
    expect(live.isAwaited({ id: one.id, thingId: 'thing', version: 1 }, EARLIER())).toBe(true)
    live.relayFound([one], EARLIER)
    expect([all.told, ofThing.told, ofOne.told]).toEqual([[], [], [1]])
    const other = execution(1)
    expect(live.isAwaited({ id: other.id, thingId: 'thing', version: 1 }, EARLIER())).toBe(false)
    expect(live.isAwaited({ id: other.id, thingId: 'thing', version: 1 }, LATER())).toBe(true)
    live.relayFound([other], LATER)
    expect([all.told, ofThing.told, ofOne.told]).toEqual([[1], [1], [1]])
    expect(live.isAwaited({ id: other.id, thingId: 'thing', version: 1 }, LATER())).toBe(false)
  })

  it('found in the database are told whenever they follow something that was told', () => {
    const live = createLive()
    const { told } = listen(live)
    const id = randomUUID()
    live.relay([execution(0, id)])
    expect(live.isAwaited({ id, thingId: 'thing', version: 1 }, EARLIER())).toBe(true)
    live.relayFound([execution(1, id)], EARLIER)
    expect(told).toEqual([0, 1])
  })

  it('found in the database are not told to those who began after whatever was told of it', () => {
    const live = createLive()
    const first = listen(live)
    const id = randomUUID()
    live.relay([execution(0, id)])
    const second = listen(live)
    live.relayFound([execution(1, id)], EARLIER)
    expect([first.told, second.told]).toEqual([[0, 1], []])
  })

  it('that this process committed before somebody listened are told to nobody, however they are found', () => {
    const live = createLive()
    const one = execution(1)
    live.publish([one])
    const { told } = listen(live)
    expect(live.isAwaited({ id: one.id, thingId: 'thing', version: 1 }, LATER())).toBe(false)
    live.relayFound([one], LATER)
    expect(told).toEqual([])
  })

  it('of what nobody listens to are awaited by nobody', () => {
    const live = createLive()
    const { stop } = listen(live, { thingIds: ['another'] })
    expect(live.isAwaited({ id: randomUUID(), thingId: 'thing', version: 1 }, LATER())).toBe(false)
    expect(live.interest(10)).toEqual({ executionIds: [], thingIds: ['another'] })
    expect(live.listeningSince()).toBeLessThanOrEqual(performance.now())
    const other = listen(live)
    expect(live.interest(10)).toBeUndefined()
    other.stop()
    stop()
    expect(live.listeningSince()).toBeUndefined()
  })
})

describe('what is known of versions', () => {
  it('is bounded: what was raised the longest ago is forgotten, and the last half never', () => {
    const versions = createVersions(100)
    const ids = Array.from({ length: 1_000 }, () => randomUUID())
    for (const [n, id] of ids.entries()) {
      versions.raise(id, n)
      for (const recent of ids.slice(Math.max(0, n - 49), n + 1)) expect(versions.get(recent)).toBeDefined()
      expect(ids.filter((one) => versions.get(one)).length).toBeLessThanOrEqual(100)
    }
    const last = ids.at(-1) ?? ''
    versions.raise(last, 5_000)
    expect(versions.get(last)?.version).toBe(5_000)
  })

  it('is that of each execution, also where ids point to the same place', () => {
    // Few endings and few beginnings, so that they collide in each part of the table.
    const id = fc
      .tuple(
        fc.constantFrom('0190163d', 'ffffffff'),
        fc.constantFrom('739b', '739c'),
        fc.constantFrom('ab', 'ac', 'ad'),
      )
      .map(([start, middle, end]) => `${start}-8694-${middle}-8000-0123456789${end}`)
    fc.assert(
      fc.property(fc.array(fc.tuple(id, fc.nat(65_534)), { maxLength: 40 }), (raised) => {
        const versions = createVersions(100)
        const expected = new Map(raised)
        for (const [one, version] of raised) versions.raise(one, version)
        for (const [one] of raised) expect(versions.get(one)?.version).toBe(expected.get(one))
      }),
    )
  })

  it('is since when it was told, whoever asked for it meanwhile', () => {
    const versions = createVersions(4)
    const [first = '', ...others] = Array.from({ length: 4 }, () => randomUUID())
    versions.raise(first, 1)
    const at = versions.get(first)?.at
    expect(at).toBeLessThanOrEqual(performance.now())
    for (const other of others) {
      versions.raise(other, 1)
      expect(versions.get(first)).toEqual({ version: 1, at })
    }
  })
})
