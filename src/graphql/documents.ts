/** Parses and validates documents, at the least cost for those whose like has been seen. */
import {
  type DocumentNode,
  GraphQLError,
  OverlappingFieldsCanBeMergedRule,
  parse,
  ValuesOfCorrectTypeRule,
  validate,
} from 'graphql'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { GraphQLServer } from './context.ts'
import { schema } from './schema.ts'

/** What is wrong with a document, each with its code; or the document. */
export type ReadDocument = (query: string) => DocumentNode | readonly GraphQLError[]

/** The text of all shapes that are kept. */
const MAX_CHARACTERS = 1_000_000

/**
 * Every plugin of the server has its say when the first document of a shape is parsed and validated. Others of that shape
 * differ from it in their literals only: just the two rules that look at these are asked again. Clients that write values
 * into their documents, instead of sending variables, have nothing but such documents.
 */
export function createDocumentReader(server: GraphQLServer): ReadDocument {
  const validShapes = createBoundedMap<string, true>(MAX_CHARACTERS, ({ length }) => length)
  return (query) => {
    const shape = shapeOf(query)
    if (validShapes.get(shape)) return read(query, parse, (document) => validate(schema, document, RULES_OF_LITERALS))
    const enveloped = server.getEnveloped({})
    const document = read(query, enveloped.parse, (parsed) => enveloped.validate(schema, parsed))
    if ('kind' in document) validShapes.set(shape, true)
    return document
  }
}

const RULES_OF_LITERALS = [ValuesOfCorrectTypeRule, OverlappingFieldsCanBeMergedRule]

function read(
  query: string,
  parseText: (text: string) => DocumentNode,
  findErrors: (document: DocumentNode) => readonly GraphQLError[],
): DocumentNode | readonly GraphQLError[] {
  let code = 'GRAPHQL_PARSE_FAILED'
  try {
    const document = parseText(query)
    code = 'GRAPHQL_VALIDATION_FAILED'
    const errors = findErrors(document)
    return errors.length === 0 ? document : errors.map((error) => withCode(error, code))
  } catch (error) {
    if (error instanceof GraphQLError) return [withCode(error, code)]
    throw error
  }
}

/** Names are matched so that digits in them are not taken for numbers. */
const TOKENS = /[_A-Za-z]\w*|"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n\r]*|-?\d[\d.eE+-]*/g

/** The text with a mark of its kind in the place of each literal: equal shapes have the same tokens but for the values. */
export const shapeOf = (query: string): string => query.replace(TOKENS, markOf)

function markOf(token: string): string {
  if (token.startsWith('"')) return '"'
  if (token.startsWith('#')) return '#'
  if (!/^[-\d]/.test(token)) return token
  return /^-?\d+$/.test(token) ? '0' : '.'
}

export function withCode({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } })
}
