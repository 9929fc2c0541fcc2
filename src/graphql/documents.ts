/** Parses and validates documents: every plugin of the server has its say. */
import { type DocumentNode, GraphQLError } from 'graphql'
import type { GraphQLServer } from './context.ts'
import { schema } from './schema.ts'

/** What is wrong with a document, each with its code; or the document. */
export type ReadDocument = (query: string) => DocumentNode | readonly GraphQLError[]

export const createDocumentReader =
  (server: GraphQLServer): ReadDocument =>
  (query) => {
    const { parse, validate } = server.getEnveloped({})
    let code = 'GRAPHQL_PARSE_FAILED'
    try {
      const document: DocumentNode = parse(query)
      code = 'GRAPHQL_VALIDATION_FAILED'
      const errors: readonly GraphQLError[] = validate(schema, document)
      return errors.length === 0 ? document : errors.map((error) => withCode(error, code))
    } catch (error) {
      if (error instanceof GraphQLError) return [withCode(error, code)]
      throw error
    }
  }

/** Rules of ours say what they mean themselves. */
export function withCode({ message, nodes, source, positions, extensions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code: extensions['code'] ?? code } })
}
