/** From the text of a document to something that can be run: parsed, validated and compiled once, however often it comes. */
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql'
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { GraphQLContext } from './context.ts'
import { schema } from './schema.ts'
import type { GraphQLServer } from './server.ts'

export interface OperationParams {
  query: string
  operationName?: string | null | undefined
  variables?: Record<string, unknown> | null | undefined
}

export interface Operation {
  document: DocumentNode
  kind: OperationDefinitionNode['operation']
  /** Whether what is selected of an event depends on variables: where it does not, equal documents have equal results. */
  selectsByVariables: boolean
  /** Its errors are masked. Where the result has no `data`, the variables do not fit and nothing was run. */
  run: Run
}

type Run = (
  context: GraphQLContext,
  variables: OperationParams['variables'],
  root?: unknown,
) => ExecutionResult | Promise<ExecutionResult>

type Mask = (error: unknown) => Error
/** What is wrong with a document, each with its code; or the operation. */
export type ReadOperation = (params: OperationParams) => Operation | readonly GraphQLError[]

/** The text of all documents that are kept. */
const MAX_CHARACTERS = 4_000_000

/**
 * Every plugin of the server has its say when a document is parsed and validated; after that the outcome is kept. A client
 * whose documents are all different, because it writes values into them instead of sending variables, pays for that each time.
 */
export function createOperations(server: GraphQLServer, mask: Mask): ReadOperation {
  const known = createBoundedMap<string, Operation>(MAX_CHARACTERS, ({ length }) => length)
  return (params) => {
    const key = params.operationName ? `${params.operationName}\n${params.query}` : params.query
    const found = known.get(key)
    if (found) return found
    const document = readDocument(server, params)
    if (!('kind' in document)) return document
    const operation = getOperationAST(document, params.operationName)
    if (!operation) return [withCode(NO_OPERATION, 'OPERATION_RESOLUTION_FAILURE')]
    const made = createOperation(document, operation, mask)
    known.set(key, made)
    return made
  }
}

function createOperation(document: DocumentNode, definition: OperationDefinitionNode, mask: Mask): Operation {
  const run = createRun(document, definition.name?.value)
  const maskErrors = (result: ExecutionResult): ExecutionResult =>
    result.errors ? { ...result, errors: result.errors.map(mask) as GraphQLError[] } : result
  return {
    document,
    kind: definition.operation,
    selectsByVariables: selectsByVariables(document, definition),
    run(...args) {
      const result = run(...args)
      return result instanceof Promise ? result.then(maskErrors) : maskErrors(result)
    },
  }
}

function createRun(document: DocumentNode, operationName: string | undefined): Run {
  let uses = 0
  let compiled: CompiledQuery | undefined

  const interpret: Run = (contextValue, variableValues, rootValue) =>
    execute({ schema, document, rootValue, contextValue, variableValues, operationName })

  return (context, variables, root) => {
    uses += 1
    // To compile costs as much as to interpret it many times: not for a document that comes once.
    if (uses === 2) compiled = compile(document, operationName)
    if (!compiled) return interpret(context, variables, root)
    const result: ExecutionResult | Promise<ExecutionResult> = compiled.query(root, context, variables ?? {})
    // Nothing was run, because the variables do not fit: told in the words of graphql-js.
    return result instanceof Promise || 'data' in result ? result : interpret(context, variables, root)
  }
}

function compile(document: DocumentNode, operationName: string | undefined): CompiledQuery | undefined {
  const compiled = compileQuery(schema, document, operationName, { disablingCapturingStackErrors: true })
  // What it cannot compile is interpreted, as before.
  return isCompiledQuery(compiled) ? compiled : undefined
}

/** Whether there is a variable anywhere but among the arguments of the root fields. */
function selectsByVariables(document: DocumentNode, operation: OperationDefinitionNode): boolean {
  let found = false
  const look = {
    [Kind.VARIABLE]: () => {
      found = true
    },
  }
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) visit(definition, look)
  for (const selection of operation.selectionSet.selections) {
    visit(selection.kind === Kind.FIELD ? { ...selection, arguments: [] } : selection, look)
  }
  return found
}

function readDocument(server: GraphQLServer, params: OperationParams): DocumentNode | readonly GraphQLError[] {
  const { parse, validate } = server.getEnveloped({ params })
  let code = 'GRAPHQL_PARSE_FAILED'
  try {
    const document: DocumentNode = parse(params.query)
    code = 'GRAPHQL_VALIDATION_FAILED'
    const errors: readonly GraphQLError[] = validate(schema, document)
    return errors.length === 0 ? document : errors.map((error) => withCode(error, code))
  } catch (error) {
    if (error instanceof GraphQLError) return [withCode(error, code)]
    throw error
  }
}

const NO_OPERATION = new GraphQLError('expected one operation, or the name of one as operationName')

function withCode({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } })
}
