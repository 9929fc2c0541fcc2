import { expect, it } from 'vitest'
import { createAdmission } from '../../src/domain/admission.ts'

it('lets in so many sends, and so many bytes, and more once some have left', () => {
  const admission = createAdmission(3, 100)
  expect([10, 10, 10, 10].map(admission.enter)).toEqual([true, true, true, false])
  admission.leave(10)
  expect([81, 80].map(admission.enter)).toEqual([false, true])
  admission.leave(10)
  expect([11, 10].map(admission.enter)).toEqual([false, true])
  for (const bytes of [10, 80, 10]) admission.leave(bytes)
  expect([100, 1].map(admission.enter)).toEqual([true, false])
})
