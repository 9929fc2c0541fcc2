/** What GraphQL says to help those who mistype: names of the schema, which is nobody's business where introspection is off. */
import { GraphQLError } from 'graphql'

const SUGGESTION = /\s*Did you mean .*\?$/s

export function withoutSuggestion<T>(error: T): T | GraphQLError {
  if (!(error instanceof GraphQLError) || !SUGGESTION.test(error.message)) return error
  const { message, nodes, source, positions, path, originalError, extensions } = error
  return new GraphQLError(message.replace(SUGGESTION, ''), {
    nodes,
    source,
    positions,
    path,
    originalError,
    extensions,
  })
}
