/** What is remembered of documents never changes what is said of the next one. */
import fc from 'fast-check'
import { print } from 'graphql'
import { createYoga } from 'graphql-yoga'
import { describe, expect, it } from 'vitest'
import { createDocumentReader, shapeOf } from '../../src/graphql/documents.ts'
import { schema } from '../../src/graphql/schema.ts'

const newReader = () => createDocumentReader(createYoga<never, never>({ schema, logging: false }) as never)

const send = (input: string) => `mutation { sendCommand(input: { ${input} }) { execution { id } } }`
const list = (filter: string) => `{ executions(filter: { ${filter} }) { nodes { id } } }`

describe('documents of one shape', () => {
  const pairs: [string, string, string][] = [
    [
      'an Int out of range',
      send('thingId: "a", action: "b", ttl: 30'),
      send('thingId: "a", action: "b", ttl: 3000000000'),
    ],
    ['a bad DateTime', list('createdAt: { from: "2025-01-01T00:00:00Z" }'), list('createdAt: { from: "noon" }')],
    [
      'fields that cannot be merged',
      '{ a: thing(id: "1") { id } a: thing(id: "1") { id } }',
      '{ a: thing(id: "1") { id } a: thing(id: "2") { id } }',
    ],
  ]

  it.each(pairs)('are refused for %s, as if they came first', (_name, good, bad) => {
    const [warm, cold] = [newReader(), newReader()]
    expect(shapeOf(bad)).toBe(shapeOf(good))
    expect(warm(good)).toMatchObject({ kind: 'Document' })
    expect(warm(bad)).toEqual(cold(bad))
    expect(warm(bad)).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }])
  })

  it('keep their own values', () => {
    const read = newReader()
    for (const value of ['"x"', '"y # no comment \\" z"', '"""a "block" """']) {
      const document = read(send(`thingId: ${value}, action: "b"`))
      expect('kind' in document && print(document)).toContain(value.startsWith('"""') ? '"""a "block" """' : value)
    }
  })
})

describe('shapes', () => {
  const others: [string, string, string][] = [
    ['a string and an enum', list('status: "SENT"'), list('status: SENT')],
    ['two enums', list('status: SENT'), list('status: FAILED')],
    ['an Int and a Float', send('thingId: "a", action: "b", ttl: 1'), send('thingId: "a", action: "b", ttl: 1.0')],
    ['a name with another digit', '{ a1: __typename }', '{ a2: __typename }'],
    ['a comment that hides a field', '{ id # }\n}', '{ id # \n}}'],
  ]

  it.each(others)('are different for %s', (_name, one, other) => {
    expect(shapeOf(one)).not.toBe(shapeOf(other))
  })

  it('are the same for any values, and whatever is in a string stays in it', () => {
    const json = fc.oneof(fc.string(), fc.integer({ min: -1e9, max: 1e9 }))
    fc.assert(
      fc.property(fc.string(), fc.string(), json, json, (id, otherId, value, otherValue) => {
        fc.pre(typeof value === typeof otherValue)
        const text = (thing: string, given: unknown) =>
          send(`thingId: ${JSON.stringify(thing)}, action: "b", params: { value: ${JSON.stringify(given)} }`)
        expect(shapeOf(text(id, value))).toBe(shapeOf(text(otherId, otherValue)))
      }),
    )
  })

  it('say of any document what the first of its shape would have been told', () => {
    const warm = newReader()
    const literal = fc.constantFrom(
      '"a"',
      '1',
      '-1',
      '2147483648',
      '1.5',
      'true',
      'null',
      'SENT',
      '["a"]',
      '{ a: "b" }',
    )
    const field = fc.constantFrom('thingId', 'action', 'params', 'ttl', 'idempotencyKey', 'wait', 'nothing')
    fc.assert(
      fc.property(fc.array(fc.tuple(field, literal), { maxLength: 5 }), (members) => {
        const document = send(members.map(([name, value]) => `${name}: ${value}`).join(', '))
        expect(warm(document)).toEqual(newReader()(document))
      }),
      { numRuns: 300 },
    )
  })
})
