/** From the text of a document to something that can be run: parsed, validated and compiled once, however often it comes. */
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql'
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { GraphQLContext, GraphQLServer } from './context.ts'
import { createDocumentReader, withCode } from './documents.ts'
import type { Mask } from './errors.ts'
import { type Lifted, liftLiterals, type Text, takeApart } from './literals.ts'
import { schema } from './schema.ts'

export interface OperationParams {
  query: string
  operationName?: string | null | undefined
  variables?: Record<string, unknown> | null | undefined
  extensions?: Record<string, unknown> | null | undefined
}

export interface Operation {
  document: DocumentNode
  /** The one of the document's operations that runs. */
  definition: OperationDefinitionNode
  kind: OperationDefinitionNode['operation']
  /** Whether what is selected of an event depends on variables: where it does not, equal documents have equal results. */
  selectsByVariables: boolean
  /** Of a subscription: variables that it runs with besides those of the request, because its text has literals in their place. */
  literals?: Readonly<Record<string, unknown>>
  /** Its errors are masked. Where the result has no `data`, the variables do not fit and nothing was run. */
  run: Run
}

type Run = (
  context: GraphQLContext,
  variables: OperationParams['variables'],
  root?: unknown,
) => ExecutionResult | Promise<ExecutionResult>

/** What is wrong with a document, each with its code; or the operation. */
export type ReadOperation = (params: OperationParams) => Operation | readonly GraphQLError[]

const MAX_OPERATIONS = 500
/** The text of all documents of which it is known that they came. */
const MAX_CHARACTERS = 1_000_000

/**
 * A document that comes again is kept, and compiled: for one that comes once, that would cost more than it saves. One of a
 * subscription runs for each event. Those that differ in their literals only are one document (literals.ts): a subscription
 * that named its thing in the text would otherwise hold a document of its own for as long as it is open.
 */
export function createOperations(server: GraphQLServer, mask: Mask): ReadOperation {
  const readDocument = createDocumentReader(server)
  const seen = createBoundedMap<string, true>(MAX_CHARACTERS, ({ length }) => length)
  const kept = createBoundedMap<string, Operation>(MAX_OPERATIONS)
  const shapes = createBoundedMap<string, Shape>(MAX_OPERATIONS)

  return (params) => {
    const { query, operationName } = params
    const key = operationName ? `${operationName}\n${query}` : query
    const known = kept.get(key)
    if (known) return known
    const text = takeApart(query, operationName)
    const shape = text && shapes.get(text.shape)
    const bound = text && shape?.lifted && bind(shape.lifted, text, params)
    if (bound) return bound
    const operation = read(params)
    if (!('run' in operation)) return operation
    return (text && !shape && keepShape(operation, text, params)) || keep(operation, key)
  }

  function bind(lifted: LiftedOperation, text: Text, params: OperationParams): Operation | undefined {
    return lifted.operation.kind === 'subscription'
      ? bindSubscription(lifted, text, params.variables)
      : bindLiterals(lifted, text, () => read(params))
  }

  function read({ query, operationName }: OperationParams) {
    const document = readDocument(query)
    if (!('kind' in document)) return document
    const definition = getOperationAST(document, operationName)
    if (!definition) return [withCode(NO_OPERATION, 'OPERATION_RESOLUTION_FAILURE')]
    return createOperation(document, definition, mask, false)
  }

  /** Of a document whose shape is new. Undefined where the document itself is to be kept. */
  function keepShape(operation: Operation, text: Text, params: OperationParams): Operation | undefined {
    const isSubscription = operation.kind === 'subscription'
    if (!isSubscription && !comesAgain(text.shape)) return operation
    const lifted = lift(operation, text, mask)
    shapes.set(text.shape, { lifted })
    if (!isSubscription) return operation
    return lifted && bind(lifted, text, params)
  }

  function keep(operation: Operation, key: string): Operation {
    if (operation.kind !== 'subscription' && !comesAgain(key)) return operation
    const compiled = createOperation(operation.document, operation.definition, mask, true)
    kept.set(key, compiled)
    return compiled
  }

  function comesAgain(key: string): boolean {
    const again = seen.get(key) === true
    seen.set(key, true)
    return again
  }
}

/** What documents of one shape have in common; nothing can be lifted out of some. */
interface Shape {
  lifted: LiftedOperation | undefined
}

interface LiftedOperation extends Pick<Lifted, 'bind'> {
  operation: Operation
}

/** Not where subscribers would no longer share their results, as they do while nothing of the selection is a variable. */
function lift({ document, selectsByVariables }: Operation, text: Text, mask: Mask): LiftedOperation | undefined {
  const lifted = liftLiterals(schema, document, text)
  const definition = lifted && getOperationAST(lifted.document)
  if (!definition) return undefined
  const operation = createOperation(lifted.document, definition, mask, true)
  return operation.selectsByVariables === selectsByVariables ? { bind: lifted.bind, operation } : undefined
}

/** With the values of one text. Where they do not fit, nothing was run, and it is refused in the words for its own document. */
function bindLiterals(
  { bind, operation }: LiftedOperation,
  { literals }: Text,
  read: () => ReturnType<ReadOperation>,
): Operation {
  const run: Run = (context, variables, root) => {
    const result = operation.run(context, { ...variables, ...bind(literals) }, root)
    if (result instanceof Promise || 'data' in result) return result
    const plain = read()
    return 'run' in plain ? plain.run(context, variables, root) : { errors: plain }
  }
  return { ...operation, run }
}

/** Once for all of its events. Undefined where the values do not fit: it is refused in the words for its own document. */
function bindSubscription(
  { bind, operation }: LiftedOperation,
  { literals }: Text,
  variables: OperationParams['variables'],
): Operation | undefined {
  const bound = bind(literals)
  const { errors } = getVariableValues(schema, operation.definition.variableDefinitions ?? [], {
    ...variables,
    ...bound,
  })
  return errors ? undefined : { ...operation, literals: bound }
}

function createOperation(
  document: DocumentNode,
  definition: OperationDefinitionNode,
  mask: Mask,
  runsOften: boolean,
): Operation {
  const run = createRun(document, definition.name?.value, runsOften ? compile(document, definition) : undefined)
  const maskErrors = (result: ExecutionResult, { requestId }: GraphQLContext): ExecutionResult =>
    result.errors
      ? { ...result, errors: result.errors.map((error) => mask(error, requestId)) as GraphQLError[] }
      : result
  const maskLate = async (late: Promise<ExecutionResult>, context: GraphQLContext) => maskErrors(await late, context)
  return {
    document,
    definition,
    kind: definition.operation,
    // Of events only: to look through a document takes as long as to run it.
    selectsByVariables: definition.operation === 'subscription' && selectsByVariables(document, definition),
    run(context, ...args) {
      const result = run(context, ...args)
      return result instanceof Promise ? maskLate(result, context) : maskErrors(result, context)
    },
  }
}

function createRun(document: DocumentNode, operationName: string | undefined, compiled?: CompiledQuery): Run {
  const interpret: Run = (contextValue, variableValues, rootValue) =>
    execute({ schema, document, rootValue, contextValue, variableValues, operationName }) as ReturnType<Run>
  if (!compiled) return interpret
  return (context, variables, root) => {
    const result: ReturnType<Run> = compiled.query(root, context, variables ?? {})
    // Nothing was run, because the variables do not fit: told in the words of graphql-js.
    return result instanceof Promise || 'data' in result ? result : interpret(context, variables, root)
  }
}

/** What cannot be compiled is interpreted. */
function compile(document: DocumentNode, { name }: OperationDefinitionNode): CompiledQuery | undefined {
  const compiled = compileQuery(schema, document, name?.value, { disablingCapturingStackErrors: true })
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

const NO_OPERATION = new GraphQLError('expected one operation, or the name of one as operationName')
