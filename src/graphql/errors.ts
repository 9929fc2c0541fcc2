import { GraphQLError } from 'graphql'
import type { Logger } from '../base/log.ts'
import { describeFailure } from '../domain/errors.ts'

/** What a client is shown of an error; the request's id goes with what is logged of it. */
export type Mask = (error: unknown, requestId?: string) => Error

/**
 * What a client is shown of an error. Errors of the document and of its variables are the client's own and say so; what a
 * resolver threw is described by the domain, and anything unforeseen is logged and shown without its insides.
 */
export function maskError(log: Logger, error: unknown, requestId?: string): Error {
  const thrown = error instanceof GraphQLError ? error.originalError : error
  if (error instanceof GraphQLError && !isFromResolver(error)) return withCode(error)
  const failure = describeFailure(thrown)
  if (failure.code === 'INTERNAL_SERVER_ERROR') log.error({ err: thrown, requestId }, 'a GraphQL operation failed')
  return new GraphQLError(failure.message, {
    ...(error instanceof GraphQLError && { nodes: error.nodes, path: error.path }),
    extensions: { code: failure.code },
  })
}

/** Where a resolver threw it, there is a path and an original error that is no GraphQLError. */
function isFromResolver({ originalError, path }: GraphQLError): boolean {
  return originalError != null && !(originalError instanceof GraphQLError) && path !== undefined
}

/** A document's own errors carry a code already, but for values that do not fit their type. */
function withCode(error: GraphQLError): GraphQLError {
  if (error.extensions['code']) return error
  const { message, nodes, source, positions, path, extensions } = error
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    extensions: { ...extensions, code: 'BAD_USER_INPUT' },
  })
}
