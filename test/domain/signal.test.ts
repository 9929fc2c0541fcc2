import { expect, it } from 'vitest'
import { createSignal } from '../../src/domain/signal.ts'

it('tells each that listens, once, whether it came before or after, and nobody who was forgotten', () => {
  const told: string[] = []
  const signal = createSignal()
  signal.listen(() => told.push('before'))
  const forget = signal.listen(() => told.push('forgotten'))
  forget()
  // Whoever gives up is forgotten then.
  const forgetSelf = signal.listen(() => forgetSelf())
  expect(told).toEqual([])
  signal.raise()
  expect(told).toEqual(['before'])
  signal.listen(() => told.push('after'))
  expect(told).toEqual(['before', 'after'])
})
