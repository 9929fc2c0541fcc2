/** The schema: printed as it is checked in, described throughout, and with all that the contract fixes. */
import { readFileSync } from 'node:fs'
import {
  buildSchema,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { printedSchema, schema } from '../src/graphql/schema.ts'

const file = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

describe('the GraphQL schema', () => {
  it('is checked in as it is printed (npm run schema)', () => {
    expect(file('../schema.graphql')).toBe(printedSchema())
    expect(() => buildSchema(printedSchema())).not.toThrow()
  })

  it('explains itself: every type, field, argument, input field and enum value', () => {
    const silent = Object.values(schema.getTypeMap())
      .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
      .flatMap(partsOf)
      .filter(({ description }) => !description?.trim())
    expect(silent.map(({ name }) => name)).toEqual([])
  })

  it('has every name and shape of the contract', () => {
    const contract = shapesOf(buildSchema(file('./contract.graphql')))
    const ours = new Set(shapesOf(schema))
    expect(contract.length).toBeGreaterThan(100)
    expect(contract.filter((shape) => !ours.has(shape))).toEqual([])
  })

  it('is made of lists and objects that cannot be null where they have no reason to be', () => {
    expect(shapesOf(schema).filter((shape) => /: \[[^\]]*[^!]\]/.test(shape))).toEqual([])
  })
})

interface Part {
  name: string
  description: string | null | undefined
}

function partsOf(type: GraphQLNamedType): Part[] {
  const parts: Part[] = [{ name: type.name, description: type.description }]
  const add = (path: string, { description }: { description?: string | null | undefined }) =>
    parts.push({ name: `${type.name}.${path}`, description })
  if (isEnumType(type)) for (const value of type.getValues()) add(value.name, value)
  if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) add(field.name, field)
  if (isObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      add(field.name, field)
      for (const argument of field.args) add(`${field.name}.${argument.name}`, argument)
    }
  }
  return parts
}

/** One line for each thing that a client can hold on to: "Query.thing(id): ID!". */
function shapesOf(described: GraphQLSchema): string[] {
  const types = Object.values(described.getTypeMap()).filter((type) => !isIntrospectionType(type))
  return types.flatMap((type) => {
    if (isEnumType(type)) return type.getValues().map(({ name }) => `${type.name} = ${name}`)
    if (isInputObjectType(type)) {
      return Object.values(type.getFields()).map(
        ({ name, type: of, defaultValue }) => `input ${type.name}.${name}: ${of} = ${defaultValue}`,
      )
    }
    if (!isObjectType(type)) return [`scalar ${type.name}`]
    return Object.values(type.getFields()).flatMap(({ name, type: of, args }) => [
      `${type.name}.${name}: ${of}`,
      ...args.map((argument) => `${type.name}.${name}(${argument.name}): ${argument.type}`),
    ])
  })
}
