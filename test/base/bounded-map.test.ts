import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createBoundedMap } from '../../src/base/bounded-map.ts'

it('never answers with another value, and keeps what was touched last', () => {
  const step = fc.record({ kind: fc.constantFrom('get', 'set', 'delete'), key: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 2, max: 20 }), (steps, maxSize) => {
      const map = createBoundedMap<number, number>(maxSize)
      const model = new Map<number, number>()
      for (const [value, { kind, key }] of steps.entries()) {
        const held = map.get(key)
        if (held !== undefined) expect(held).toBe(model.get(key))
        if (kind === 'delete') {
          map.delete(key)
          model.delete(key)
        } else if (kind === 'set') {
          map.set(key, value)
          model.delete(key)
          model.set(key, value)
        } else if (held !== undefined) {
          model.delete(key)
          model.set(key, held)
        }
      }
      const [latest] = [...model.keys()].reverse()
      if (latest !== undefined) expect(map.get(latest)).toBe(model.get(latest))
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
