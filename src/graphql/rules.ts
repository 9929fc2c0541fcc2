/** What a document may not be here, beside GraphQL's own rules and the limits of graphql-armor. */
import {
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'
import { MAX_PAGE_SIZE } from '../domain/paging.ts'

/** Fields of a mutation: each may be a command. */
export const MAX_MUTATIONS = 10
/** Values in the answer, were every page full: two full pages with every field of an execution and its thing, and some more. */
export const MAX_COST = 20_000

const INTROSPECTION = ['__schema', '__type']

/** `__typename` stays: clients' caches live on it. */
export const noIntrospection: ValidationRule = (context) => ({
  Field({ name }) {
    if (INTROSPECTION.includes(name.value))
      report(
        context,
        'INTROSPECTION_DISABLED',
        `${name.value}: introspection is off here. The schema is in schema.graphql.`,
      )
  },
})

export const fewMutations: ValidationRule = (context) => {
  const count = createSum(context, ({ name }) => (name.value.startsWith('__') ? 0 : 1))
  return {
    OperationDefinition({ operation, selectionSet }) {
      const fields = operation === 'mutation' ? count(selectionSet) : 0
      if (fields > MAX_MUTATIONS)
        report(
          context,
          'TOO_MANY_MUTATIONS',
          `This document has ${fields} fields that change something, expected at most ${MAX_MUTATIONS}.`,
        )
    },
  }
}

/**
 * A page counts as a full one, whatever its size: it may be in a variable, and documents that differ in their literals only
 * are looked at once (literals.ts).
 */
export const boundedCost = (schema: GraphQLSchema): ValidationRule => {
  const paged = pagedFields(schema)
  return (context) => {
    const sum = createSum(context, ({ name, selectionSet }): number => {
      const below = selectionSet ? sum(selectionSet) : 0
      return 1 + (paged.has(name.value) ? MAX_PAGE_SIZE * below : below)
    })
    return {
      OperationDefinition({ selectionSet }) {
        const cost = sum(selectionSet)
        if (cost > MAX_COST)
          report(
            context,
            'DOCUMENT_TOO_COSTLY',
            `This document may ask for ${cost} values, expected at most ${MAX_COST}: ask for fewer fields or fewer lists.`,
          )
      },
    }
  }
}

/** The names of the fields that have pages. */
function pagedFields(schema: GraphQLSchema): Set<string> {
  const fields = Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [],
  )
  return new Set(fields.filter(({ args }) => args.some(({ name }) => name === 'first')).map(({ name }) => name))
}

type FieldNode = Extract<SelectionNode, { kind: Kind.FIELD }>

/** Adds up what the fields of a selection weigh, through fragments, each of which is looked at once. */
function createSum(context: ValidationContext, weigh: (field: FieldNode) => number) {
  const fragments = new Map<string, number>()
  const sum = ({ selections }: SelectionSetNode): number =>
    selections.reduce((total, selection) => total + weighSelection(selection), 0)
  return sum

  function weighSelection(selection: SelectionNode): number {
    if (selection.kind === Kind.FIELD) return weigh(selection)
    if (selection.kind === Kind.INLINE_FRAGMENT) return sum(selection.selectionSet)
    return weighFragment(selection.name.value, context.getFragment(selection.name.value))
  }

  function weighFragment(name: string, fragment: FragmentDefinitionNode | null | undefined): number {
    const known = fragments.get(name)
    if (known !== undefined) return known
    // For one that comes back to itself, which another rule refuses.
    fragments.set(name, 0)
    const weight = fragment ? sum(fragment.selectionSet) : 0
    fragments.set(name, weight)
    return weight
  }
}

/** Without places: in a document of thousands of fields they would be thousands. */
function report(context: ValidationContext, code: string, message: string): void {
  context.reportError(new GraphQLError(message, { extensions: { code } }))
}
