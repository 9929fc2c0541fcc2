/** Persisted operations: where a file of them is given, no other document runs. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { GraphQLError, parse, validate } from 'graphql'
import { ConfigError } from '../base/setting.ts'
import { withCode } from './documents.ts'
import type { OperationParams, ReadOperation } from './operations.ts'
import { schema } from './schema.ts'

export interface PersistedOperations {
  /** The document that a request stands for: its own, or that of its hash. Where nobody knows the hash, the hash: no document is written like one. */
  textOf(params: Pick<OperationParams, 'query' | 'extensions'>): string
  /** Why such a document does not run; undefined where it does. */
  check(text: string): GraphQLError | undefined
}

const HASH = /^[0-9a-f]{64}$/

/** From the file at this path: `{ "<sha256 of the document, in hex>": "<document>" }`. Throws a ConfigError that says what is wrong with it. */
export function readPersistedOperations(path: string): PersistedOperations {
  const documents = new Map(Object.entries(readObject(path)))
  for (const [hash, text] of documents) {
    const problem = findProblem(hash, text)
    if (problem) throw refusal(path, `under ${JSON.stringify(hash.slice(0, 64))} ${problem}`)
  }
  return createPersistedOperations(documents as Map<string, string>)
}

function createPersistedOperations(documents: ReadonlyMap<string, string>): PersistedOperations {
  const texts = new Set(documents.values())
  return {
    textOf({ query, extensions }) {
      const hash = query === '' ? hashIn(extensions) : undefined
      return hash === undefined ? query : (documents.get(hash) ?? hash)
    },
    check(text) {
      if (texts.has(text)) return undefined
      return HASH.test(text)
        ? refuse('PERSISTED_OPERATION_NOT_FOUND', 'There is no persisted operation with this sha256Hash.')
        : refuse('PERSISTED_OPERATION_REQUIRED', 'Only persisted operations run here (PERSISTED_OPERATIONS).')
    },
  }
}

/** Before anything that is known is looked for: a shape (operations.ts) is known of more documents than may run. */
export const readPersistedOnly =
  (persisted: PersistedOperations, read: ReadOperation): ReadOperation =>
  (params) => {
    const query = persisted.textOf(params)
    const refused = persisted.check(query)
    return refused ? [withCode(refused, 'BAD_REQUEST')] : read({ ...params, query })
  }

/** In the format of Apollo's clients, which others took over. What is no hash is not found either. */
function hashIn(extensions: OperationParams['extensions']): string | undefined {
  const persisted = extensions?.['persistedQuery']
  const hash = typeof persisted === 'object' && persisted !== null ? Object(persisted).sha256Hash : undefined
  if (typeof hash !== 'string') return undefined
  return HASH.test(hash.toLowerCase()) ? hash.toLowerCase() : '0'.repeat(64)
}

const refuse = (code: string, message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status: 400, spec: true } } })

function readObject(path: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return { ...content }
  } catch (error) {
    throw refusal(path, error instanceof Error ? error.message : String(error))
  }
  throw refusal(path, 'it is no JSON object')
}

function findProblem(hash: string, text: unknown): string | undefined {
  if (typeof text !== 'string') return 'there is no text'
  const actual = createHash('sha256').update(text).digest('hex')
  if (hash !== actual) return `there is a document whose sha256 is ${actual}`
  try {
    const [error] = validate(schema, parse(text))
    return error && `there is a document that is not valid: ${error.message}`
  } catch (error) {
    return `there is no document: ${error instanceof Error ? error.message : error}`
  }
}

/** One line, whatever was in the file. */
const refusal = (path: string, problem: string): ConfigError =>
  new ConfigError(
    `PERSISTED_OPERATIONS: ${JSON.stringify(path)}: ${problem.replace(/\s+/g, ' ').slice(0, 400)}; expected a file such as {"<sha256 in hex>": "<document>"}`,
  )
