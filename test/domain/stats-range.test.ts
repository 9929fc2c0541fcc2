import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ArgumentError } from '../../src/domain/errors.ts'
import { bucketsOf, MAX_BUCKETS, type StatsBucket, statsRange } from '../../src/domain/stats-range.ts'

const NOW = new Date('2026-03-04T05:06:07.089Z')
const BUCKETS: StatsBucket[] = ['MINUTE', 'HOUR', 'DAY']
const shown = (bucket: StatsBucket, from?: string | null, to?: string | null) => {
  const at = (text?: string | null) => (text ? new Date(text) : null)
  const range = statsRange({ from: at(from), to: at(to) }, bucket, NOW)
  return [new Date(range.from).toISOString(), new Date(range.to).toISOString()]
}

it('is the last 24 hours where nothing is said, in whole buckets', () => {
  expect(shown('HOUR')).toEqual(['2026-03-03T05:00:00.000Z', '2026-03-04T06:00:00.000Z'])
  expect(shown('DAY')).toEqual(['2026-03-03T00:00:00.000Z', '2026-03-05T00:00:00.000Z'])
  expect(shown('MINUTE', '2026-03-04T05:00:00.001Z')).toEqual(['2026-03-04T05:00:00.000Z', '2026-03-04T05:07:00.000Z'])
  expect(shown('HOUR', null, '2026-03-02T00:00:00Z')).toEqual(['2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z'])
  expect(shown('HOUR', '2026-03-04T05:06:08Z')).toEqual(['2026-03-04T05:00:00.000Z', '2026-03-04T06:00:00.000Z'])
})

it('says what is wrong with a range', () => {
  expect(() => shown('MINUTE')).toThrow(
    'bucket: 1,441 buckets of one MINUTE are in this range, expected at most 500: a larger bucket than MINUTE, or a shorter filter.createdAt',
  )
  expect(() => shown('DAY', '2020-01-01T00:00:00Z')).toThrow('expected at most 500: a shorter filter.createdAt')
  const nothing = 'filter.createdAt: expected a from that is before to'
  expect(() => shown('HOUR', '2026-03-02T00:00:00Z', '2026-03-02T00:00:00Z')).toThrow(nothing)
  expect(() => shown('HOUR', '2026-03-03T00:00:00Z', '2026-03-02T00:00:00Z')).toThrow(nothing)
  for (const [from, to] of [
    ['0000-01-01T00:00:00Z', '0000-01-01T01:00:00Z'],
    ['9999-12-31T23:00:00Z', '9999-12-31T23:59:59Z'],
  ] as const)
    expect(() => shown('HOUR', from, to)).toThrow('filter.createdAt: expected a range from 1970 to 9998')
})

it('covers whatever was asked for, or refuses it', () => {
  const instant = fc.option(
    fc.date({ min: new Date(-62_167_219_200_000), max: new Date(253_402_300_799_999), noInvalidDate: true }),
  )
  const holds = fc.property(instant, instant, fc.constantFrom(...BUCKETS), (from, to, bucket) => {
    try {
      const range = statsRange({ from, to }, bucket, NOW)
      const starts = bucketsOf(range)
      expect(starts.length).toBeGreaterThan(0)
      expect(starts.length).toBeLessThanOrEqual(MAX_BUCKETS)
      expect(starts[0]).toBeLessThanOrEqual(from?.getTime() ?? Number.POSITIVE_INFINITY)
      expect(range.to).toBeGreaterThanOrEqual(to?.getTime() ?? Number.NEGATIVE_INFINITY)
    } catch (error) {
      expect(error).toBeInstanceOf(ArgumentError)
    }
  })
  fc.assert(holds, { numRuns: 500 })
})
