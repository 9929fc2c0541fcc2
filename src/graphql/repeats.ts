/** Fields that are asked for again, and fragments: GraphQL's validation compares each with all the others, so that a few kilobytes of them keep a server busy. */
import {
  type FieldNode,
  GraphQLError,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql'

/** Of both together, in a document. */
export const MAX_REPEATS = 50

/** Thrown when the document begins, and not reported: the comparison must not even begin. */
export const fewRepeats: ValidationRule = () => ({
  Document({ definitions }) {
    const sets = definitions.flatMap((one) => ('selectionSet' in one && one.selectionSet ? [one.selectionSet] : []))
    const repeats = sets.reduce((sum, set) => sum + countRepeats([set]), 0)
    if (repeats <= MAX_REPEATS) return
    throw new GraphQLError(
      `This document repeats fields and fragments ${repeats} times, expected at most ${MAX_REPEATS}.`,
      { extensions: { code: 'DOCUMENT_TOO_COSTLY', http: { status: 400, spec: true } } },
    )
  },
})

/** Of sets that will be one: those of fields with the same name in the answer. */
function countRepeats(sets: readonly SelectionSetNode[]): number {
  const below = new Map<string, SelectionSetNode[]>()
  let repeats = 0
  for (const selection of sets.flatMap(selectionsOf)) {
    if (selection.kind !== Kind.FIELD) {
      repeats += 1
      continue
    }
    const known = below.get(nameInAnswer(selection))
    if (known) repeats += 1
    const merged = known ?? []
    if (selection.selectionSet) merged.push(selection.selectionSet)
    below.set(nameInAnswer(selection), merged)
  }
  for (const merged of below.values()) if (merged.length > 0) repeats += countRepeats(merged)
  return repeats
}

/** With those of its inline fragments, behind each of these. */
const selectionsOf = ({ selections }: SelectionSetNode): SelectionNode[] =>
  selections.flatMap((selection) =>
    selection.kind === Kind.INLINE_FRAGMENT ? [selection, ...selectionsOf(selection.selectionSet)] : [selection],
  )

const nameInAnswer = ({ alias, name }: FieldNode): string => (alias ?? name).value
