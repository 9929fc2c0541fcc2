/** What is asked of schemas in threads: the same answers as from a schema in this one, and none that others wait for. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '../../src/base/log.ts'
import { GAVE_UP } from '../../src/domain/check-turns.ts'
import { findViolations } from '../../src/domain/params.ts'
import { NotBegun } from '../../src/domain/patience.ts'
import { countPlainParts } from '../../src/domain/plain-schema.ts'
import { violationsOf } from '../../src/domain/schema.mjs'
import { createSchemaChecks, type SchemaChecks } from '../../src/domain/schema-checks.ts'
import type { Json, JsonObject } from '../../src/protocol/json.ts'
import { cpuNow } from '../support/loop-block.ts'

const QUICK = JSON.stringify({ properties: { a: { pattern: '^[a-z]+$' } } })
const SLOW = JSON.stringify({ properties: { a: { pattern: '^(a+)+$' } } })
const ENDLESS = JSON.stringify({ a: `${'a'.repeat(60)}!` })

const since = () => performance.now()

describe('the violations', () => {
  let schemaChecks: SchemaChecks
  beforeAll(() => {
    schemaChecks = createSchemaChecks(createLogger('silent'))
  })
  afterAll(() => schemaChecks.stop())

  const ask = (params: JsonObject, schema: JsonObject) =>
    findViolations({ schemaChecks }, { params, paramsText: JSON.stringify(params), since: since() }, schema)

  it('are those of ajv, with and without a thread', async () => {
    let threads = 0
    await fc.assert(
      fc.asyncProperty(schemas, params, async (schema, value) => {
        const asked = ask(value, schema)
        if (asked instanceof Promise) threads += 1
        if (countPlainParts(schema) === Number.POSITIVE_INFINITY) expect(asked).toBeInstanceOf(Promise)
        expect((await asked).map(({ path, message }) => ({ path, message }))).toEqual(directly(value, schema))
      }),
      { numRuns: 100 },
    )
    expect(threads).toBeGreaterThan(10)
    expect(threads).toBeLessThan(95)
  }, 90_000)

  it('come at once of a plain schema, and from a thread where it or the params are large', async () => {
    const plain = (names: number, description = ''): JsonObject => ({
      type: 'object',
      description,
      properties: Object.fromEntries(Array.from({ length: names }, (_, n) => [`p${n}`, { type: 'integer' }])),
    })
    const list = (length: number): JsonObject => ({ p0: Array.from({ length }, () => 0) })
    const cases: [boolean, JsonObject, JsonObject][] = [
      [false, plain(3), list(100)],
      [true, plain(3), list(100_000)],
      [true, plain(80), list(1)],
      [true, plain(3, 'x'.repeat(17_000)), list(1)],
    ]
    for (const [inThread, schema, value] of cases) {
      const asked = ask(value, schema)
      expect(asked instanceof Promise).toBe(inThread)
      expect(await asked).toEqual([
        { code: 'PARAMS_INVALID', path: ['params', 'p0'], message: 'params.p0 must be integer' },
      ])
    }
  })

  it('of a plain schema take less than 50 ms, compiled anew, whatever the params are', () => {
    const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)
    const members = (count: number, value: Json) =>
      Object.fromEntries(times(count, value).map((v, n) => [n.toString(36), v]))
    const cases: [JsonObject, (size: number) => JsonObject][] = [
      [{ additionalProperties: { required: times(190, 0).map((_, n) => `k${n}`) } }, (size) => members(size / 8, {})],
      [
        { properties: { a: { items: { oneOf: times(60, { type: 'string' }) } } } },
        (size) => ({ a: times(size / 2 - 4, 0) }),
      ],
      [{ properties: { a: { items: { type: 'string' } } } }, (size) => ({ a: times(size / 2 - 4, 0) })],
      [{ additionalProperties: { type: 'string' } }, (size) => members(size / 9, 0)],
      [{ properties: { a: { items: { enum: times(180, 'x') } } } }, (size) => ({ a: times(size / 4 - 4, 'y') })],
      [{ properties: { a: { allOf: times(60, { maxLength: 1 }) } } }, (size) => ({ a: '🌡'.repeat(size / 2 - 4) })],
    ]
    for (const [schema, paramsOf] of cases) {
      const value = paramsOf((32 * 1024) / countPlainParts(schema))
      // The least of three: what holds it up is there each time, what else a busy machine does is not.
      const spent = [1, 2, 3].map((nth) => {
        const anew = { ...schema, $comment: `${nth}` }
        const begunAt = cpuNow()
        const found = ask(value, anew)
        expect(Array.isArray(found) && found.length > 0).toBe(true)
        return cpuNow() - begunAt
      })
      expect(Math.min(...spent)).toBeLessThan(50)
    }
  })

  it('are 50 at most, and no longer than the params allow', async () => {
    const name = 'n'.repeat(20_000)
    const many: JsonObject = { properties: { [name]: { allOf: Array.from({ length: 60 }, () => ({ pattern: 'x' })) } } }
    expect(await ask({ [name]: '' }, many)).toHaveLength(3)
    const short: JsonObject = { properties: { n: { allOf: Array.from({ length: 60 }, () => ({ pattern: 'x' })) } } }
    expect(await ask({ n: '' }, short)).toHaveLength(50)
    const long = await ask({ [name.repeat(4)]: '' }, { additionalProperties: { pattern: 'x' } })
    expect(long.map(({ path }) => path.map((step) => step.length))).toEqual([['params'.length, 80_000]])
  })

  it('say so where the schema cannot be used', async () => {
    const messages = async (schema: JsonObject) =>
      (await ask({ a: {} }, schema)).map(({ path, message }) => [path, message])
    const unusable = 'params cannot be checked, because the paramsSchema cannot be used:'
    const cases: [JsonObject, RegExp][] = [
      [{ type: 'thing' }, /schema is invalid: data\/type must be equal to one of the allowed values/],
      [{ minimum: 'a' }, /schema is invalid: data\/minimum must be number/],
      [{ properties: { a: { pattern: '(' } } }, /Invalid regular expression/],
      [{ $ref: '#/$defs/missing' }, /can't resolve reference/],
      [{ properties: { a: { $ref: '#/properties/a' } } }, /it refers to itself without end/],
      [{ $schema: 'http://json-schema.org/draft-07/schema#' }, /no schema with key or ref/],
    ]
    for (const [schema, problem] of cases) {
      const [[path, message] = [], ...others] = await messages(schema)
      expect(others).toEqual([])
      expect(path).toEqual(['params'])
      expect(message).toMatch(problem)
      expect(String(message).startsWith(unusable)).toBe(true)
    }
  })
})

describe('a schema that takes too long', () => {
  const using = async (work: (checks: SchemaChecks) => Promise<void>) => {
    const checks = createSchemaChecks(createLogger('silent'))
    try {
      await work(checks)
    } finally {
      await checks.stop()
    }
  }
  const quickly = (checks: SchemaChecks) => checks.checkParams({ schema: QUICK, params: '{"a":"A"}' }, since())
  const endlessly = (checks: SchemaChecks) => checks.checkParams({ schema: SLOW, params: ENDLESS }, since())
  const outcome = (asked: Promise<unknown>) => asked.catch((error: unknown) => error)

  it('is given up, and others go on meanwhile', () =>
    using(async (checks) => {
      await quickly(checks)
      let isOver = false
      const endless = endlessly(checks).finally(() => {
        isOver = true
      })
      let answers = 0
      let longest = 0
      while (!isOver) {
        const begunAt = performance.now()
        expect(await quickly(checks)).toMatchObject({ violations: [{ path: ['a'] }] })
        longest = Math.max(longest, performance.now() - begunAt)
        answers += 1
      }
      expect(await endless).toBe(GAVE_UP)
      expect(answers).toBeGreaterThan(10)
      // The 300 ms after which it is found out, and another thread.
      expect(longest).toBeLessThan(2_500)
      // Once more at once is not begun; a definition with it neither.
      expect(await outcome(endlessly(checks))).toBeInstanceOf(NotBegun)
      expect(await outcome(checks.checkSchema(SLOW, since()))).toBeInstanceOf(NotBegun)
      expect(await checks.checkSchema(QUICK, since())).toMatchObject({ violations: [] })
    }))

  it('takes those with it that wait for the same schema, and nobody else', () =>
    using(async (checks) => {
      const same = Array.from({ length: 300 }, () => outcome(endlessly(checks)))
      const others = Array.from({ length: 300 }, () => quickly(checks))
      for (const answer of await Promise.all(others)) expect(answer).toMatchObject({ violations: [{ path: ['a'] }] })
      const answers = await Promise.all(same)
      // One was asked; on a machine that is very busy its sender had gone before it was given up.
      const begun = answers.filter((answer) => !(answer instanceof NotBegun))
      expect(begun.length).toBeLessThanOrEqual(1)
      for (const answer of begun) expect(answer).toBe(GAVE_UP)
    }))

  it('is not begun where its sender has waited too long already', () =>
    using(async (checks) => {
      expect(await outcome(checks.checkParams({ schema: QUICK, params: '{}' }, since() - 60_000))).toBeInstanceOf(
        NotBegun,
      )
      expect(await quickly(checks)).toMatchObject({ violations: [{ path: ['a'] }] })
    }))

  it('does not hold up a stop, after which nothing is begun', async () => {
    const checks = createSchemaChecks(createLogger('silent'))
    const endless = Array.from({ length: 3 }, () => outcome(endlessly(checks)))
    await quickly(checks)
    await checks.stop()
    for (const answer of await Promise.all([...endless, outcome(quickly(checks))]))
      expect(answer).toBeInstanceOf(NotBegun)
  })

  it('keeps no process up, nor does its thread', async () => {
    const code = `
      import { createSchemaChecks } from ${JSON.stringify(new URL('../../dist/domain/schema-checks.js', import.meta.url))}
      const checks = createSchemaChecks({ warn() {} })
      const hold = setTimeout(() => {}, 60_000)
      const { violations } = await checks.checkParams({ schema: ${JSON.stringify(QUICK)}, params: '{"a":"A"}' }, performance.now())
      clearTimeout(hold)
      console.log(violations.length)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      timeout: 20_000,
    })
    expect(stdout).toBe('1\n')
  })
})

const addFormats = addFormatsModule.default

/** As one schema in this thread says it. */
function directly(value: JsonObject, schema: JsonObject): { path: string[]; message: string }[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false, ownProperties: true, logger: false })
  addFormats(ajv)
  const validate = ajv.compile(schema)
  return validate(value)
    ? []
    : violationsOf(validate.errors).map(({ path, problem }) => ({
        path: ['params', ...path],
        message: `${['params', ...path].join('.')} ${problem}`,
      }))
}

const NAMES = ['a', 'b', 'next', 'a/b~c', 'constructor', 'é 🌡']
const TEXTS = [
  '',
  'a',
  'abc',
  'A',
  '2025-05-28T08:00:00Z',
  '2025-05-28',
  'a@b.example',
  '🌡',
  'https://example.com/?q#f',
  '10.0.0.1',
]

const leaf = fc.constantFrom<JsonObject>(
  {},
  { type: 'string' },
  { type: ['integer', 'null'] },
  { type: 'object', required: ['a', 'constructor'] },
  { minimum: 0, exclusiveMaximum: 10, multipleOf: 0.5 },
  { minLength: 1, maxLength: 3 },
  { maxItems: 2, minItems: 1 },
  { minProperties: 1, maxProperties: 2 },
  { enum: ['a', 1, null, { a: [1] }] },
  { const: { a: 1 } },
  { format: 'date-time' },
  { format: 'uuid' },
  { format: 'ipv4' },
  { pattern: '^[a-z]+$' },
  { format: 'email' },
  { format: 'uri' },
  { uniqueItems: true },
  { $ref: '#/$defs/text' },
  { $ref: '#/$defs/node' },
  { propertyNames: { pattern: '^[a-z]' } },
  { patternProperties: { '^a': { type: 'number' } }, additionalProperties: false },
)

const { schema: anySchema } = fc.letrec<{ schema: JsonObject }>((tie) => {
  const schema = tie('schema')
  const branch = fc.oneof(
    fc
      .dictionary(fc.constantFrom(...NAMES), schema, { maxKeys: 3, noNullPrototype: true })
      .map((properties) => ({ properties })),
    fc
      .dictionary(fc.constantFrom(...NAMES), schema, { maxKeys: 2, noNullPrototype: true })
      .map((properties) => ({ properties, additionalProperties: false })),
    schema.map((items) => ({ items })),
    fc.tuple(schema, schema).map(([first, rest]) => ({ prefixItems: [first], items: rest })),
    fc.array(schema, { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.array(schema, { minLength: 1, maxLength: 3 }).map((oneOf) => ({ oneOf })),
    fc.array(schema, { minLength: 1, maxLength: 3 }).map((allOf) => ({ allOf })),
    schema.map((not) => ({ not })),
    fc
      .tuple(schema, schema, schema)
      .map((parts) => Object.fromEntries(['if', 'then', 'else'].map((keyword, n) => [keyword, parts[n]]))),
    schema.map((additionalProperties) => ({ additionalProperties })),
  )
  return { schema: fc.oneof({ maxDepth: 3 }, leaf, branch as fc.Arbitrary<JsonObject>) }
})

const DEFINITIONS = {
  text: { type: 'string', pattern: '^.?$' },
  node: { properties: { next: { $ref: '#/$defs/node' }, a: { type: 'null' } } },
}

const schemas = anySchema.map((schema) =>
  JSON.stringify(schema).includes('$ref') ? { $defs: DEFINITIONS, ...schema } : schema,
)

const { value: anyValue } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(...TEXTS, null, true, 0, -1, 0.5, 1e308, 12),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
}))

const params = fc.dictionary(fc.constantFrom(...NAMES), anyValue, {
  maxKeys: 4,
  noNullPrototype: true,
}) as fc.Arbitrary<JsonObject>
