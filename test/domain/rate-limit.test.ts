import { describe, expect, it } from 'vitest'
import { createAllowance } from '../../src/domain/allowance.ts'
import { createRateLimit, createSendLimits, takeSend } from '../../src/domain/rate-limit.ts'

describe('a rate limit', () => {
  /** How many of so many are let in at one instant. */
  function letIn(limit: ReturnType<typeof createRateLimit>, name: string, count: number): number {
    let taken = 0
    for (let n = 0; n < count; n++) {
      if (limit.waitMs(name) > 0) continue
      limit.take(name)
      taken += 1
    }
    return taken
  }

  it.each([1, 2, 3, 7, 10, 1_000])('lets two seconds of them in at once, and then %i a second', (perSecond) => {
    let now = 5_000
    const limit = createRateLimit(perSecond, () => now)
    expect(letIn(limit, 'a', 3 * perSecond)).toBe(2 * perSecond)
    for (let second = 0; second < 5; second++) {
      now += 1_000
      expect(letIn(limit, 'a', 3 * perSecond)).toBe(perSecond)
    }
    now += 60_000
    expect(letIn(limit, 'a', 3 * perSecond)).toBe(2 * perSecond)
  })

  it('says when there is room, and there is room then', () => {
    let now = 0
    const limit = createRateLimit(3, () => now)
    letIn(limit, 'a', 10)
    const waitMs = limit.waitMs('a')
    expect(waitMs).toBe(334)
    now += waitMs - 1
    expect(limit.waitMs('a')).toBe(1)
    now += 1
    expect(limit.waitMs('a')).toBe(0)
  })

  it('counts for each name alone', () => {
    const limit = createRateLimit(1, () => 0)
    expect([letIn(limit, 'a', 5), letIn(limit, 'b', 5)]).toEqual([2, 2])
  })

  it('takes from both limits or from none', () => {
    const limits = createSendLimits(4, 1)
    const waits = Array.from({ length: 10 }, () => takeSend(limits, 'key', 'thing'))
    expect(waits.filter((ms) => ms === 0)).toHaveLength(2)
    // Eight were refused for the thing, and cost the key nothing.
    const others = Array.from({ length: 6 }, (_, n) => takeSend(limits, 'key', `other-${n}`))
    expect(others).toEqual([0, 0, 0, 0, 0, 0])
    expect(takeSend(limits, 'key', 'one-more')).toBeGreaterThan(0)
  })

  it('keeps no name that is none', () => {
    const limits = createSendLimits(undefined, 1)
    expect(Array.from({ length: 5 }, () => takeSend(limits, 'key', 'x'.repeat(1_000)))).toEqual([0, 0, 0, 0, 0])
  })
})

describe('an allowance', () => {
  it('has so many places for each name, and has them again', () => {
    const allowance = createAllowance(2)
    expect([1, 2, 3].map(() => allowance.enter('a'))).toEqual([true, true, false])
    expect(allowance.enter('b')).toBe(true)
    allowance.leave('a')
    expect([1, 2].map(() => allowance.enter('a'))).toEqual([true, false])
  })
})
