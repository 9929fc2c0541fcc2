import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql'
import { JSONObjectResolver, JSONResolver } from 'graphql-scalars'
import type { Json } from '../protocol/json.ts'

type Variables = Parameters<GraphQLScalarType['parseLiteral']>[1]

/** The scalars of graphql-scalars, reading what is written in a document exactly as they read variables. */
export const JSONScalar = readingLiterals(JSONResolver, readLiteral)

export const JSONObjectScalar = readingLiterals(JSONObjectResolver, (node, variables) => {
  if (node.kind === Kind.OBJECT) return readLiteral(node, variables)
  throw new GraphQLError('expected a JSON object', { nodes: node })
})

function readingLiterals(scalar: GraphQLScalarType<unknown>, parseLiteral: typeof readLiteral): GraphQLScalarType {
  return new GraphQLScalarType<unknown>({ ...scalar.toConfig(), parseLiteral })
}

/**
 * A literal as JSON. graphql-scalars would make objects without a prototype, which Drizzle cannot take, and null of a name
 * that was meant to be a string.
 */
function readLiteral(node: ValueNode, variables: Variables): Json {
  switch (node.kind) {
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, readLiteral(value, variables)]))
    case Kind.LIST:
      return node.values.map((value) => readLiteral(value, variables))
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value)
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value
    case Kind.NULL:
      return null
    case Kind.VARIABLE:
      return (variables?.[node.name.value] ?? null) as Json
    case Kind.ENUM:
      throw new GraphQLError(`JSON has no names: write "${node.value}" with quotes`, { nodes: node })
  }
}
