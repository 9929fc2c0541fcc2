import { expect, it } from 'vitest'
import { createRandom } from '../../torture/random.ts'

it('makes the same choices with the same seed, and others with another', () => {
  const draw = (seed: number) => {
    const random = createRandom(seed)
    return Array.from({ length: 100 }, () => random.between(1, 1_000_000))
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
})

it('stays in its range, and reaches both ends of it', () => {
  const random = createRandom(1)
  const drawn = new Set(Array.from({ length: 1000 }, () => random.between(3, 5)))
  expect([...drawn].toSorted()).toEqual([3, 4, 5])
})
