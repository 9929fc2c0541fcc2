import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  draftOf,
  findProblems,
  inputOf,
  isChanged,
  newCommand,
  newDraft,
  type TypeContent,
  turnSchema,
} from '../../console/src/pages/type-editor/draft.ts'
import { findMembersProblems } from '../../console/src/pages/type-editor/field-problems.ts'
import { emptyField, emptyMembers, readMembers, type SchemaField } from '../../console/src/pages/type-editor/fields.ts'
import { writeMembers } from '../../console/src/pages/type-editor/write-fields.ts'
import type { JsonObject } from '../../console/src/send/schema.ts'

const through = (schema: JsonObject): unknown => {
  const members = readMembers(schema)
  return members && writeMembers(members)
}

const line = fc.stringMatching(/^[A-Za-z0-9 °%_"'é-]{1,12}$/).filter((text) => text.trim() === text)
const count = fc.option(fc.nat(500), { nil: undefined })
const number = fc
  .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .filter((n) => !Object.is(n, -0))
const between = (least: string, most: string, bound: fc.Arbitrary<number | undefined>) =>
  fc.tuple(bound, bound).map(([a, b]) => {
    const [from, to] = a !== undefined && b !== undefined && a > b ? [b, a] : [a, b]
    return { ...(from !== undefined && { [least]: from }), ...(to !== undefined && { [most]: to }) }
  })
const optional = <T>(name: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((one) => (one === undefined ? {} : { [name]: one }))
const merged = (...parts: fc.Arbitrary<JsonObject>[]) =>
  fc.tuple(...parts).map((all): JsonObject => Object.assign({}, ...all))
const said = optional('description', line)

const plain = fc.oneof(
  merged(fc.constant({ type: 'string' }), said, between('minLength', 'maxLength', count), optional('default', line)),
  merged(
    fc.constant({ type: 'number' }),
    said,
    between('minimum', 'maximum', fc.option(number, { nil: undefined })),
    optional('default', number),
  ),
  merged(
    fc.constant({ type: 'integer' }),
    said,
    between('minimum', 'maximum', count),
    optional('default', fc.integer()),
  ),
  merged(fc.constant({ type: 'boolean' }), said, optional('default', fc.boolean())),
  merged(
    fc.constantFrom({ type: 'string' }, {}),
    said,
    fc
      .uniqueArray(line, { minLength: 1, maxLength: 4 })
      .chain((choices) => merged(fc.constant({ enum: choices }), optional('default', fc.constantFrom(...choices)))),
  ),
  merged(
    fc.constant({ type: 'integer' }),
    said,
    fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 4 }).map((choices) => ({ enum: choices })),
  ),
)

/** What rows can show, and no more. */
const { object } = fc.letrec<{ object: JsonObject; any: JsonObject }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    plain,
    merged(fc.constant({ type: 'array' }), said, optional('items', tie('any')), between('minItems', 'maxItems', count)),
    merged(tie('object'), said),
  ),
  object: fc
    .tuple(
      fc.dictionary(fc.stringMatching(/^[A-Za-z_][\w-]{0,8}$/), tie('any'), { maxKeys: 4 }),
      fc.array(fc.boolean(), { minLength: 4 }),
      fc.boolean(),
    )
    .map(([properties, wanted, isClosed]) => {
      const required = Object.keys(properties).filter((_, n) => wanted[n])
      return {
        type: 'object',
        ...(Object.keys(properties).length > 0 && { properties }),
        ...(required.length > 0 && { required }),
        ...(isClosed && { additionalProperties: false }),
      }
    }),
}))

/** Anything at all where a schema may stand. */
const anything = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    plain,
    fc.boolean(),
    fc.dictionary(
      fc.constantFrom(
        'type',
        'title',
        'format',
        'pattern',
        'oneOf',
        '$ref',
        'const',
        'default',
        'minimum',
        'minLength',
        'multipleOf',
        'x-unit',
        'description',
        'items',
        'enum',
        'minItems',
        'additionalProperties',
      ),
      fc.oneof(
        tie('schema'),
        fc.constantFrom('string', 'array', 'object', 'integer', 'number', 'boolean', ''),
        fc.integer(),
        fc.constantFrom(['string', 'null'], [1, 'a'], [], null),
      ),
      { maxKeys: 5 },
    ),
    fc
      .dictionary(fc.string({ minLength: 1 }), tie('schema'), { maxKeys: 3 })
      .map((properties) => ({ type: 'object', properties: { ...properties, one: true } })),
  ),
})).schema

describe('a schema as rows', () => {
  it('comes back as it was, where rows can show it', () => {
    fc.assert(
      fc.property(object, (schema) => {
        const members = readMembers(schema)
        expect(members && findMembersProblems(members).filter(({ at }) => !at.endsWith('.fallback'))).toEqual([])
        const shown = JSON.stringify(members)
        expect(shown).not.toContain('"kind":"json"')
        expect(members && writeMembers(members)).toEqual(schema)
      }),
    )
  })

  it('comes back as it was with whatever else it says', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1 }), anything, { minKeys: 1, maxKeys: 4 }),
        fc.dictionary(
          fc.constantFrom('title', '$defs', 'oneOf', 'if', 'x-a', 'additionalProperties', 'patternProperties'),
          fc.jsonValue().filter((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
        ),
        (properties, rest) => {
          // As it comes from the service: what JSON cannot say is not in it.
          const schema = JSON.parse(JSON.stringify({ type: 'object', properties, ...rest })) as JsonObject
          expect(through(schema)).toEqual(schema)
        },
      ),
    )
  })

  it('keeps names that are required and described nowhere, and a type that is not said', () => {
    const schema = { properties: { a: {} }, required: ['a', 'b'], minProperties: 1 }
    expect(through(schema)).toEqual(schema)
  })

  it('is not rows where it is no object', () => {
    for (const schema of [
      {},
      { type: ['object', 'null'] },
      { oneOf: [] },
      { type: 'array' },
      { type: 'object', properties: [] },
    ])
      expect(readMembers(schema)).toBeUndefined()
  })

  it('shows as JSON what no row can, and says what else a row says', () => {
    const members = readMembers({
      type: 'object',
      properties: { a: { oneOf: [{}] }, b: { type: 'string', format: 'email', minLength: 'x' }, c: { enum: ['a', 1] } },
    })
    expect(members?.fields.map(({ kind, rest }) => [kind, Object.keys(rest)])).toEqual([
      ['json', []],
      ['string', ['format', 'minLength']],
      ['json', []],
    ])
  })
})

describe('what is wrong with rows', () => {
  const problemsOf = (...fields: Partial<SchemaField>[]) =>
    findMembersProblems({
      ...emptyMembers(),
      fields: fields.map((field, n) => ({ ...emptyField(), name: `f${n}`, ...field, key: `k${n}` })),
    }).map(({ at, message }) => `${at}: ${message}`)

  it.each<[Partial<SchemaField>, string]>([
    [{ name: '' }, 'k0.name: Give it a name.'],
    [{ kind: 'number', least: 'x' }, 'k0.least: Expected a number.'],
    [{ kind: 'string', most: '-1' }, 'k0.most: Expected a whole number from 0.'],
    [{ kind: 'integer', least: '9', most: '3' }, 'k0.most: Expected at least 9.'],
    [{ kind: 'integer', most: '3', fallback: '4' }, 'k0.fallback: Expected at most 3.'],
    [{ kind: 'number', fallback: 'warm' }, 'k0.fallback: Expected a number.'],
    [{ kind: 'enum', choices: ' \n' }, 'k0.choices: Write what may be chosen, one on each line.'],
    [{ kind: 'enum', choices: 'a\na' }, 'k0.choices: a is there twice.'],
    [{ kind: 'enum', choices: '1\nx', choiceType: 'number' }, 'k0.choices: Expected a number on each line, not x.'],
    [{ kind: 'enum', choices: 'a', fallback: 'b' }, 'k0.fallback: Choose one of the values.'],
    [{ kind: 'json', json: '{' }, 'k0.json: Line 1, column 2: expected a name in double quotes, not the end.'],
    [{ kind: 'json', json: '3' }, 'k0.json: Expected a JSON Schema: { … }'],
  ])('%o', (field, told) => {
    expect(problemsOf(field)).toEqual([told])
  })

  it('tells of two of one name at both', () => {
    expect(problemsOf({ name: 'a' }, { name: 'a' })).toEqual([
      'k0.name: Another one has this name.',
      'k1.name: Another one has this name.',
    ])
  })
})

describe('the draft of a type', () => {
  const content: TypeContent = {
    name: 'com.example.lamp',
    version: '2.1.0',
    description: 'A lamp.',
    commands: [
      {
        name: 'dim',
        description: null,
        defaultTtl: 5,
        delivery: 'AT_LEAST_ONCE',
        paramsSchema: { type: 'object', properties: { level: { type: 'integer' } } },
        resultSchema: null,
      },
      {
        name: 'mix',
        description: 'Any.',
        defaultTtl: null,
        delivery: null,
        paramsSchema: { oneOf: [{ required: ['a'] }] },
        resultSchema: { type: 'string' },
      },
    ],
  }

  it('says to the service what it has read', () => {
    expect(inputOf(draftOf(content))).toEqual(content)
    expect(findProblems(draftOf(content))).toEqual([])
  })

  it('is changed by what the service would be told, and by nothing else', () => {
    const draft = draftOf(content)
    const [dim, mix] = draft.commands
    if (!dim || !mix) throw new Error('there are two commands')
    const withDim = (changed: Partial<typeof dim>) => ({ ...draft, commands: [{ ...dim, ...changed }, mix] })
    const turned = turnSchema(dim.params, 'json')
    expect(isChanged(withDim({ params: turned }), draft)).toBe(false)
    expect(isChanged(withDim({ params: { ...turned, json: turned.json.replaceAll('\n', '') } }), draft)).toBe(false)
    expect(isChanged(withDim({ params: { ...turned, json: '{' } }), draft)).toBe(true)
    expect(isChanged(withDim({ ttl: '6' }), draft)).toBe(true)
    expect(isChanged({ ...draft, commands: [mix, dim] }, draft)).toBe(true)
  })

  it('keeps fields and JSON in step', () => {
    const [command] = draftOf(content).commands
    if (!command) throw new Error('there is a command')
    const json = turnSchema(command.params, 'json')
    const written = { ...json, json: '{ "type": "object", "properties": { "on": { "type": "boolean" } } }' }
    expect(turnSchema(written, 'fields').members?.fields.map(({ name, kind }) => [name, kind])).toEqual([
      ['on', 'boolean'],
    ])
    expect(turnSchema({ ...json, json: '{ "anyOf": [] }' }, 'none').members).toBeUndefined()
    expect(turnSchema(turnSchema(written, 'none'), 'json').json).toBe(written.json)
  })

  it('tells what is missing and what is wrong, where it is', () => {
    const draft = { ...newDraft(), name: 'no good', version: '', commands: [{ ...newCommand(), ttl: '0' }] }
    expect(findProblems(draft).map(({ at }) => at)).toEqual([
      'commands.0.name',
      'commands.0.defaultTtl',
      'name',
      'version',
    ])
  })
})
