import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findFault, readJson } from '../../console/src/pages/type-editor/json-text.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('where a text stops being JSON', () => {
  it.each([
    ['{ "a": 1,\n  "b": [1, x] }', 'Line 2, column 12: expected a value, not "x".'],
    ['{ "a": 1,\n  b: 2 }', 'Line 2, column 3: expected a name in double quotes, not "b".'],
    ['{ "a": 1', 'Line 1, column 9: expected "," or "}", not the end.'],
    ['{ "a" 1 }', 'Line 1, column 7: expected ":", not "1".'],
    ['{ "a": 1 }\n}', 'Line 2, column 1: expected nothing more, not "}".'],
    ['["a\nb"]', 'Line 1, column 4: expected the end of the text, a double quote, not "\\n".'],
    ['["\\d"]', 'Line 1, column 3: expected an escape such as \\n or \\\\, not "\\\\".'],
    ['[1,]', 'Line 1, column 4: expected a value, not "]".'],
    ['', 'Line 1, column 1: expected a value, not the end.'],
  ])('%j', (text, fault) => {
    expect(readJson(text)).toEqual({ fault })
  })

  it('is where JSON.parse stops, too', () => {
    const sign = fc.constantFrom(...'{}[]",:\\ \n\t01-.eEu/xtrue'.split(''))
    const broken = fc
      .tuple(fc.json(), fc.nat(), fc.nat(3), fc.string({ unit: sign, maxLength: 3 }))
      .map(([text, at, length, put]) => {
        const place = at % (text.length + 1)
        return text.slice(0, place) + put + text.slice(place + length)
      })
    fc.assert(
      fc.property(fc.oneof(broken, fc.string({ unit: sign })), (text) => {
        expect(findFault(text) === undefined).toBe(isJson(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it('leaves what comes before it a beginning of JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, at) => {
        const begun = text.slice(0, at % (text.length + 1))
        const fault = findFault(begun)
        // A number may go on or not: all else that is cut off is cut off at its end, or at the token that it breaks.
        if (fault) expect(begun.slice(fault.at)).toMatch(/^(|-|t|tr|tru|f|fa|fal|fals|n|nu|nul|\.|\\.*|[eE][+-]?)$/)
      }),
    )
  })
})
