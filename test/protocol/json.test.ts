import { isDeepStrictEqual } from 'node:util'
import { PGlite } from '@electric-sql/pglite'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { canonicalJson, findJsonProblem, isJsonObject, MAX_JSON_DEPTH } from '../../src/protocol/json.ts'

/** JSON with every kind of text in it: NUL, lone surrogates and __proto__ too. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\0', 'a\0b', '\ud800', 'x\udc00', '\ud83d\ude00', '__proto__', 'constructor', 'toString', ''),
)
const anyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false, 0, -0, 1e308, 5e-324, 0.1),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    anyText,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(anyText, tie('value')), { maxLength: 5 }).map((members) => Object.fromEntries(members)),
  ),
})).value

/** As it comes from the wire: what JSON.parse makes of it. */
const wireJson = anyJson.map((value): unknown => JSON.parse(JSON.stringify(value)))

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level += 1) value = level % 2 ? [value] : { a: value }
  return value
}

describe('canonicalJson', () => {
  it('is the same for equal values, whatever the order of their keys', () => {
    fc.assert(
      fc.property(wireJson, (value) => {
        expect(canonicalJson(withReversedKeys(value))).toBe(canonicalJson(value))
      }),
    )
  })

  it('is another one for another value', () => {
    fc.assert(
      fc.property(wireJson, wireJson, (one, other) => {
        expect(canonicalJson(one) === canonicalJson(other)).toBe(isDeepStrictEqual(one, other))
      }),
    )
  })

  it('is JSON of the same value', () => {
    fc.assert(fc.property(wireJson, (value) => void expect(JSON.parse(canonicalJson(value))).toEqual(value)))
  })

  it.each([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: { c: 1, b: [{ y: 1, x: 2 }] } }, { a: { b: [{ x: 2, y: 1 }], c: 1 } }, true],
    [[1, 2], [2, 1], false],
    [{ a: 1 }, { a: '1' }, false],
    [{ a: null }, {}, false],
    [{}, [], false],
    [[[]], [], false],
    ['', null, false],
    [{ 'a":1,"b': 2 }, { a: 1, b: 2 }, false],
  ])('%j and %j: %s', (one, other, isEqual) => {
    expect(canonicalJson(one) === canonicalJson(other)).toBe(isEqual)
  })
})

describe('findJsonProblem', () => {
  it('finds one exactly where Postgres refuses the value, and what it accepts comes back the same', async () => {
    const database = await PGlite.create()
    onTestFinished(() => database.close())
    await fc.assert(
      fc.asyncProperty(wireJson, async (value) => {
        const stored = await database
          .query<{ value: unknown }>('select $1::text::jsonb as value', [JSON.stringify(value)])
          .then(
            ({ rows }) => rows[0],
            () => undefined,
          )
        expect(stored === undefined).toBe(findJsonProblem(value) !== undefined)
        if (stored) expect(stored.value).toEqual(value)
      }),
      { numRuns: 500 },
    )
  }, 60_000)

  it('says where', () => {
    expect(findJsonProblem({ a: [0, { b: 'x\0' }] })).toEqual({
      path: ['a', '1', 'b'],
      problem: expect.stringContaining('NUL'),
    })
    expect(findJsonProblem({ a: { 'b\ud800': 1 } })).toEqual({
      path: ['a'],
      problem: expect.stringContaining('has a name'),
    })
    expect(findJsonProblem({ a: Number.POSITIVE_INFINITY })?.path).toEqual(['a'])
    expect(findJsonProblem([Number.NaN])?.path).toEqual(['0'])
    expect(findJsonProblem('\0')?.path).toEqual([])
  })

  it('draws the line at the greatest depth', () => {
    expect(findJsonProblem(nested(MAX_JSON_DEPTH))).toBeUndefined()
    expect(findJsonProblem(nested(MAX_JSON_DEPTH + 1))?.problem).toContain('nested deeper than 64 levels')
  })

  it('does not overflow on a value that is 100,000 deep', () => {
    expect(findJsonProblem(nested(100_000))?.problem).toContain('nested deeper')
  })

  it('takes a wide value', () => {
    expect(findJsonProblem(Array.from({ length: 100_000 }, (_, index) => ({ index })))).toBeUndefined()
  })
})

describe('isJsonObject', () => {
  it.each([
    [{}, true],
    [{ a: 1 }, true],
    [[], false],
    [null, false],
    ['a', false],
    [1, false],
    [undefined, false],
  ])('%j: %s', (value, expected) => {
    expect(isJsonObject(value)).toBe(expected)
  })
})

function withReversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReversedKeys)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, withReversedKeys(member)]),
  )
}
