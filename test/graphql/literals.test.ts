/** What is remembered of documents never changes what is said of the next one. */
import fc from 'fast-check'
import { type FieldNode, getArgumentValues, getOperationAST, getVariableValues, parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import { liftLiterals, takeApart } from '../../src/graphql/literals.ts'
import { schema } from '../../src/graphql/schema.ts'

const send = (input: string) => `mutation { sendCommand(input: { ${input} }) { execution { id } } }`
const list = (filter: string) => `{ executions(filter: { ${filter} }) { nodes { id } } }`
const shapeOf = (query: string, operationName?: string) => takeApart(query, operationName)?.shape

/** The arguments of the first field, as the resolver gets them, or that they were refused. */
function readArguments(query: string, variables: Record<string, unknown> = {}) {
  const document = parse(query)
  return argumentsIn(document, variables)
}

function argumentsIn(document: ReturnType<typeof parse>, variables: Record<string, unknown>): unknown {
  const operation = getOperationAST(document)
  const [field] = (operation?.selectionSet.selections ?? []) as FieldNode[]
  const type = operation && schema.getRootType(operation.operation)
  const definition = field && type?.getFields()[field.name.value]
  if (!operation || !field || !definition) throw new Error('expected an operation with a field')
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
  return coerced ? getArgumentValues(definition, field, coerced) : 'refused'
}

/** What a text is read as by way of another one of its shape. */
function readThrough(first: string, query: string, variables: Record<string, unknown> = {}): unknown {
  const [one, other] = [takeApart(first), takeApart(query)]
  if (!one || one.shape !== other?.shape) throw new Error('expected texts of one shape')
  const lifted = liftLiterals(schema, parse(first), one)
  if (!lifted) throw new Error('expected literals that can be lifted')
  expect(validate(schema, lifted.document)).toEqual([])
  return argumentsIn(lifted.document, { ...variables, ...lifted.bind(other.literals) })
}

describe('documents of one shape', () => {
  const pairs: [string, string, string][] = [
    [
      'of a command',
      send('thingId: "a", action: "b", ttl: 30, params: { value: 1.5, deep: [{ x: "y" }], on: true, off: null }'),
      send(
        'thingId: "c", action: "d \\" # {", ttl: 5, params: { value: 2.5, deep: [{ x: "\\n" }], on: true, off: null }',
      ),
    ],
    ['of a page', '{ executions(first: 3) { nodes { id } } }', '{ executions(first: 7) { nodes { id } } }'],
    ['with a name', 'query A { thing(id: "1") { id } }', 'query B2 { thing(id: "2") { id } }'],
    [
      'of a subscription',
      'subscription A { executionUpdated(filter: { thingId: ["a", "b"], status: SENT }, since: "2025-01-01T00:00:00Z") { id } }',
      'subscription B { executionUpdated(filter: { thingId: ["c", "d"], status: SENT }, since: "2026-01-01T00:00:00Z") { id } }',
    ],
    ['with a number for an id', '{ thing(id: 1) { id } }', '{ thing(id: 90071992547409) { id } }'],
    ['with a single value for a list', list('thingId: "a", status: SENT'), list('thingId: "b", status: SENT')],
    [
      'with instants',
      list('createdAt: { from: "2025-01-01T00:00:00Z" }'),
      list('createdAt: { from: "2026-01-01T00:00:00Z" }'),
    ],
    [
      'with __proto__',
      send('thingId: "a", action: "b", params: { __proto__: 1 }'),
      send('thingId: "a", action: "b", params: { __proto__: 2 }'),
    ],
  ]

  it.each(pairs)('%s have their own values', (_name, first, second) => {
    expect(readThrough(first, second)).toEqual(readArguments(second))
    expect(readThrough(second, first)).toEqual(readArguments(first))
  })

  it('may have variables in other arguments', () => {
    const document = (id: string) =>
      `query ($filter: ExecutionFilter) { executions(first: ${id}, filter: $filter) { nodes { id } } }`
    const variables = { filter: { thingId: ['x'] } }
    expect(readThrough(document('1'), document('2'), variables)).toEqual(readArguments(document('2'), variables))
  })

  it.each([
    [
      'an Int out of range',
      send('thingId: "a", action: "b", ttl: 30'),
      send('thingId: "a", action: "b", ttl: 3000000000'),
    ],
    ['a bad DateTime', list('createdAt: { from: "2025-01-01T00:00:00Z" }'), list('createdAt: { from: "noon" }')],
  ])('are refused for %s', (_name, good, bad) => {
    expect(readThrough(good, bad)).toBe('refused')
  })

  it('are read as each would be by itself, whatever the values', () => {
    const json = fc.oneof(fc.string(), fc.integer({ min: -1e9, max: 1e9 }))
    const text = (thing: string, value: unknown) =>
      send(`thingId: ${JSON.stringify(thing)}, action: "b", params: { value: ${JSON.stringify(value)} }`)
    fc.assert(
      fc.property(fc.string(), fc.string(), json, json, (id, otherId, value, otherValue) => {
        fc.pre(typeof value === typeof otherValue)
        const [one, other] = [text(id, value), text(otherId, otherValue)]
        fc.pre(takeApart(one) !== undefined && takeApart(other) !== undefined)
        expect(readThrough(one, other)).toEqual(readArguments(other))
      }),
    )
  })

  it('are read as each would be by itself, whatever is given', () => {
    const id = fc.constantFrom('"a"', '1', '-1')
    const json = fc.constantFrom('{}', '{ a: "b" }', '{ a: [1, 1.5, -2e3, null, true, { b: "c" }] }')
    const members = fc.record(
      {
        thingId: id,
        action: fc.constantFrom('"a"', '""'),
        params: fc.oneof(json, fc.constant('null')),
        ttl: fc.constantFrom('1', '-1', '2147483648', 'null'),
        idempotencyKey: fc.constantFrom('"a"', 'null'),
        wait: fc.constantFrom('true', 'false'),
      },
      { requiredKeys: ['thingId', 'action'] },
    )
    fc.assert(
      fc.property(members, (given) => {
        const input = (changed: object) =>
          send(
            Object.entries({ ...given, ...changed })
              .map(([name, value]) => `${name}: ${value}`)
              .join(', '),
          )
        const valid = given.ttl === '2147483648' ? input({ ttl: '30' }) : input({})
        const isRefused = validate(schema, parse(input({}))).length > 0
        expect(readThrough(valid, input({}))).toEqual(isRefused ? 'refused' : readArguments(input({})))
      }),
      { numRuns: 500 },
    )
  })
})

describe('shapes', () => {
  const others: [string, string, string][] = [
    ['a string and an enum', list('status: "SENT", action: "a"'), list('status: SENT, action: "a"')],
    ['two enums', list('status: SENT, action: "a"'), list('status: FAILED, action: "a"')],
    ['an Int and a Float', send('thingId: "a", action: "b", ttl: 1'), send('thingId: "a", action: "b", ttl: 1.0')],
    ['a name with another digit', '{ a1: thing(id: "a") { id } }', '{ a2: thing(id: "a") { id } }'],
    ['a comment that hides a field', '{ thing(id: "a") { id } # }\n}', '{ thing(id: "a") { id } # \n}}'],
    ['a mark that is none', '{ ...F thing(id: 1.5) { id } }', '{ ..1.5F thing(id: .) { id } }'],
    ['a string that does not end', '{ thing(id: "a") thing(id: "b") }', '{ thing(id: ") thing(id: "b") }'],
  ]

  it.each(others)('are different for %s', (_name, one, other) => {
    expect(shapeOf(one)).not.toBe(shapeOf(other))
  })

  it.each([
    ['without literals', '{ things { nodes { id } } }'],
    ['with a block string', send('thingId: """a""", action: "b"')],
    ['with four quotes', '{ thing(id: [""""]) { id } }'],
    ['with an escape for a character', send('thingId: "\\u0061", action: "b"')],
    ['with an escape that there is not', send('thingId: "\\q", action: "b"')],
    ['with a number that is none', '{ executions(first: 01) { nodes { id } } }'],
    ['with a number that is too big', '{ thing(id: 12345678901234567890) { id } }'],
    ['with our mark', '{ thing(id: "a\0") { id } }'],
    ['with half a character', '{ thing(id: "\ud800") { id } }'],
    ['that are long', `{ thing(id: "${'a'.repeat(10_000)}") { id } }`],
  ])('are not made of documents %s', (_name, query) => {
    expect(shapeOf(query)).toBeUndefined()
  })

  it('are of the operation that is asked for', () => {
    expect(shapeOf('query A { thing(id: "a") { id } }', 'A')).toBe(shapeOf('query B { thing(id: "a") { id } }', 'B'))
    expect(shapeOf('query A { thing(id: "a") { id } }', 'B')).toBeUndefined()
    expect(shapeOf('{ thing(id: "a") { id } }', 'B')).toBeUndefined()
  })

  it.each([
    ['two operations', 'query A { thing(id: "a") { id } } query B { thing(id: "b") { id } }'],
    ['a default', 'query ($id: ID = "a") { things(first: 1) { nodes { id } } thing(id: $id) { id } }'],
    [
      'a variable beside a literal',
      'query ($t: Int) { sendCommand(input: { ttl: $t, action: "a" }) { errors { code } } }',
    ],
    [
      'a variable that is called like ours',
      'query ($literal_0: Int) { thing(id: "a") { id } executions(first: $literal_0) { nodes { id } } }',
    ],
    ['a fragment with a directive', '{ thing(id: "a") { id @custom(name: "b") } }'],
  ])('nothing is lifted out of %s', (_name, query) => {
    const text = takeApart(query)
    expect(text && liftLiterals(schema, parse(query), text)).toBeUndefined()
  })
})
