import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addToHistogram, describeRoundTrips, type Histogram, NO_ROUND_TRIP } from '../../src/domain/round-trips.ts'

const stepOf = (ms: number): number => Math.floor(Math.log2(Math.max(ms, 1)) * 8 + 1e-6)
const exact = (sorted: readonly number[], share: number): number =>
  sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN

it('is within 5 % of what the exact percentiles are, and adds up', () => {
  const times = fc.array(fc.integer({ min: 1, max: 86_400_000 }), { minLength: 1, maxLength: 200 })
  const holds = fc.property(times, times, (some, others) => {
    const histogram: Histogram = new Map()
    for (const part of [some, others])
      addToHistogram(
        histogram,
        part.map(stepOf),
        part.map(() => 1),
      )
    const sorted = [...some, ...others].sort((a, b) => a - b)
    const { answers, p50, p95, p99 } = describeRoundTrips(histogram)
    expect(answers).toBe(sorted.length)
    // Of times so short that they are counted in whole milliseconds, 5 % are less than one.
    for (const [share, found] of [
      [0.5, p50],
      [0.95, p95],
      [0.99, p99],
    ] as const)
      expect(Math.abs((found ?? 0) - exact(sorted, share))).toBeLessThan(Math.max(1, 0.05 * exact(sorted, share)))
  })
  fc.assert(holds, { numRuns: 300 })
})

it('knows nothing of what no device answered', () => {
  const histogram: Histogram = new Map()
  addToHistogram(histogram, [NO_ROUND_TRIP], [7])
  expect(describeRoundTrips(histogram)).toEqual({ answers: 0, p50: null, p95: null, p99: null })
})
