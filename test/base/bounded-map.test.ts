import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createBoundedMap } from '../../src/base/bounded-map.ts'

it('never answers with another value, and keeps what was touched last', () => {
  const step = fc.record({ kind: fc.constantFrom('get', 'set', 'delete'), key: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 2, max: 20 }), (steps, maxSize) => {
      const map = createBoundedMap<number, number>(maxSize)
      /** All that was ever put in and not taken out. */
      const all = new Map<number, number>()
      for (const [value, { kind, key }] of steps.entries()) {
        if (kind === 'get') expect([undefined, all.get(key)]).toContain(map.get(key))
        if (kind !== 'set') continue
        map.set(key, value)
        all.set(key, value)
        expect(map.get(key)).toBe(value)
      }
      for (const { kind, key } of steps) {
        if (kind !== 'delete') continue
        map.delete(key)
        expect(map.get(key)).toBeUndefined()
      }
    }),
  )
})

it('holds no more than its size, however much comes', () => {
  const map = createBoundedMap<string, true>(100, ({ length }) => length)
  for (let n = 0; n < 1_000; n++) map.set(`key-${n}`, true)
  const held = Array.from({ length: 1_000 }, (_, n) => `key-${n}`).filter((key) => map.get(key))
  expect(held.join('').length).toBeLessThanOrEqual(100)
  expect(held).toContain('key-999')
})

it('keeps what is asked for, whatever else comes', () => {
  const map = createBoundedMap<string, number>(10)
  map.set('asked for', 1)
  for (let n = 0; n < 1_000; n++) {
    map.set(`key-${n}`, n)
    expect(map.get('asked for')).toBe(1)
  }
})
