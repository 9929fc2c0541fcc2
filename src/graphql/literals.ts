/**
 * Clients that write values into their documents, instead of sending variables, never send the same text twice. What
 * differs is told from what stays: the literals become variables, and the rest is a shape that is kept like any document.
 */
import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  parse,
  print,
  TypeInfo,
  type ValueNode,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import type { Json } from '../protocol/json.ts'

/** A document's text, taken apart. */
export interface Text {
  /** The text with a mark of its kind in the place of each literal, and without the operation's name. */
  shape: string
  literals: (string | number)[]
  /** Where in the text each of them stands. */
  offsets: number[]
}

/** A document whose literals are variables. */
export interface Lifted {
  document: DocumentNode
  /** Variables with the values that another text of this shape has. */
  bind(literals: Text['literals']): Record<string, Json>
}

/** Names are matched so that digits in them are not taken for numbers. */
const TOKENS = /[_A-Za-z]\w*|"(?:[^"\\\n\r]|\\.)*"|#[^\n\r]*|-?\d[\d.eE+-]*/g
const OPERATION_NAME = /^\s*(query|mutation|subscription)\s+([_A-Za-z]\w*)/
const NUMBER = /^-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** What we could read otherwise than the parser does, which refuses some of it; and our own mark. */
const PECULIAR = /\0|"""|\p{Surrogate}/u
/** Longer ones are judged by the server's plugins, each by itself. */
const MAX_CHARACTERS = 10_000

/** Undefined where it is not the operation asked for, or there is no literal, or one that is not written as JSON would be: block strings, `\u` escapes, numbers too big. */
export function takeApart(query: string, operationName?: string | null): Text | undefined {
  if (query.length > MAX_CHARACTERS || PECULIAR.test(query)) return undefined
  const [beginning, kind = '', name] = OPERATION_NAME.exec(query) ?? ['']
  if (operationName && operationName !== name) return undefined
  const rest = query.slice(beginning.length)
  const literals: Text['literals'] = []
  const offsets: number[] = []
  let isPlain = true
  const shape = rest.replace(TOKENS, (token, offset: number) => {
    if (token.startsWith('#')) return '#'
    if (!/^["\-\d]/.test(token)) return token
    const literal = token.startsWith('"') ? readString(token) : readNumber(token)
    if (literal === undefined) isPlain = false
    else literals.push(literal)
    offsets.push(beginning.length + offset)
    return markOf(token)
  })
  if (!isPlain || literals.length === 0) return undefined
  return { shape: kind + shape, literals, offsets }
}

/** Nothing else in a text is written like a mark. */
const markOf = (token: string): string => {
  if (token.startsWith('"')) return '\0"'
  return /[.eE]/.test(token) ? '\0.' : '\x000'
}

function readString(token: string): string | undefined {
  if (token.includes('\\u')) return undefined
  if (!token.includes('\\')) return token.slice(1, -1)
  try {
    return JSON.parse(token) as string
  } catch {
    return undefined
  }
}

function readNumber(token: string): number | undefined {
  const number = NUMBER.test(token) ? Number(token) : Number.NaN
  // An ID may be a number that is too big to be one here.
  return Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : undefined
}

type Build = (literals: Text['literals']) => Json

const PREFIX = 'literal_'

/**
 * Makes a variable of each argument that has a literal in it, and of the whole argument: variables are read as literals
 * are, where these are valid. Of a valid document only. Undefined where a literal stands elsewhere (a directive, a
 * default), or beside a variable.
 */
export function liftLiterals(schema: GraphQLSchema, document: DocumentNode, { offsets }: Text): Lifted | undefined {
  if (!hasOneOperation(document)) return undefined
  const types = new TypeInfo(schema)
  const builders = new Map<string, Build>()
  const definitions: string[] = []
  let liftedCount = 0
  const withVariables = visit(
    document,
    visitWithTypeInfo(types, {
      Argument: (node) => {
        const count = countLiterals(node.value)
        const type = types.getDirective() ? undefined : types.getArgument()?.type
        if (count === 0 || !type) return undefined
        const name = `${PREFIX}${builders.size}`
        liftedCount += count
        builders.set(name, builderOf(node.value, offsets))
        definitions.push(`$${name}: ${type}`)
        return { ...node, value: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } } }
      },
    }),
  )
  if (liftedCount !== offsets.length) return undefined
  return {
    document: withDefinitions(withVariables, definitions),
    bind: (literals) => Object.fromEntries([...builders].map(([name, build]) => [name, build(literals)])),
  }
}

/** One only, whose variables have other names than ours. */
function hasOneOperation({ definitions }: DocumentNode): boolean {
  const operations = definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
  const variables = operations.flatMap(({ variableDefinitions }) => variableDefinitions ?? [])
  return operations.length === 1 && !variables.some(({ variable }) => variable.name.value.startsWith(PREFIX))
}

/** None where there is a variable beside them: then nothing is lifted out of this argument. */
function countLiterals(value: ValueNode): number {
  let count = 0
  let hasVariable = false
  const found = () => {
    count += 1
  }
  visit(value, {
    IntValue: found,
    FloatValue: found,
    StringValue: found,
    Variable: () => {
      hasVariable = true
    },
  })
  return hasVariable ? 0 : count
}

function builderOf(value: ValueNode, offsets: readonly number[]): Build {
  switch (value.kind) {
    case Kind.OBJECT: {
      const members = value.fields.map(({ name, value }) => [name.value, builderOf(value, offsets)] as const)
      return (literals) => Object.fromEntries(members.map(([name, build]) => [name, build(literals)]))
    }
    case Kind.LIST: {
      const items = value.values.map((item) => builderOf(item, offsets))
      return (literals) => items.map((build) => build(literals))
    }
    case Kind.INT:
    case Kind.FLOAT:
    case Kind.STRING: {
      const index = offsets.indexOf(value.loc?.start ?? -1)
      return (literals) => literals[index] ?? null
    }
    case Kind.BOOLEAN:
    case Kind.ENUM: {
      const constant = value.value
      return () => constant
    }
    case Kind.NULL:
      return () => null
    case Kind.VARIABLE:
      throw new Error(`the variable $${value.name.value} stands beside literals`)
  }
}

/**
 * The one operation of the document, without its name, with these variables besides its own. Without the places in the
 * text: those of another text would be wrong in its errors.
 */
function withDefinitions(document: DocumentNode, definitions: readonly string[]): DocumentNode {
  const added = parse(`query (${definitions.join(' ')}) { __typename }`, { noLocation: true }).definitions[0]
  const variables = added?.kind === Kind.OPERATION_DEFINITION ? (added.variableDefinitions ?? []) : []
  const text = print(
    visit(document, {
      OperationDefinition: (node) => ({
        ...node,
        name: undefined,
        variableDefinitions: [...(node.variableDefinitions ?? []), ...variables],
      }),
    }),
  )
  return parse(text, { noLocation: true })
}
