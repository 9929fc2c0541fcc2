/** What the editor holds, what is wrong with it, and how it comes to the service: over nothing that somebody else wrote meanwhile. */
import { useMemo, useRef, useState } from 'react'
import { useClient } from 'urql'
import { describeProblem } from '../../data/problem.ts'
import type { ThingType } from '../../data/use-type.ts'
import {
  DefineThingTypeDocument,
  type DefineThingTypeMutation,
  FindThingTypeDocument,
} from '../../generated/graphql.ts'
import { contentOf, draftOf, findProblems, inputOf, isChanged, newDraft, saysSame, type TypeDraft } from './draft.ts'

type UserErrors = DefineThingTypeMutation['defineThingType']['errors']

/** null: it was deleted. */
export type Theirs = ThingType | null

export function useTypeEditor(before: ThingType | undefined, onSaved: (name: string) => void) {
  const [first, setFirst] = useState<TypeDraft>(() => (before ? draftOf(contentOf(before)) : newDraft()))
  const [draft, setDraft] = useState(first)
  const [refusals, setRefusals] = useState<UserErrors>([])
  const [problem, setProblem] = useState<string>()
  const [theirs, setTheirs] = useState<Theirs>()
  const [attempts, setAttempts] = useState(0)
  const [isSaving, setIsSaving] = useState(false)
  const isUnderWay = useRef(false)
  /** When what this draft is based on, or shall replace, was defined last. */
  const known = useRef(before?.updatedAt)
  const client = useClient()
  const problems = useMemo(() => findProblems(draft), [draft])

  function change(changed: Partial<TypeDraft>): void {
    setDraft((now) => ({ ...now, ...changed }))
    setRefusals([])
    setProblem(undefined)
  }

  async function save(): Promise<void> {
    setAttempts((count) => count + 1)
    // A click that comes before the button could be disabled.
    if (problems.length > 0 || isUnderWay.current) return
    isUnderWay.current = true
    setIsSaving(true)
    setProblem(undefined)
    await saveUnlessChanged().catch((error: unknown) =>
      setProblem(error instanceof Error ? error.message : String(error)),
    )
    isUnderWay.current = false
    setIsSaving(false)
  }

  async function saveUnlessChanged(): Promise<void> {
    const input = inputOf(draft)
    const found = await client.query(FindThingTypeDocument, { name: draft.name }, { requestPolicy: 'network-only' })
    if (!found.data) throw new Error(`Nothing was saved. ${found.error ? describeProblem(found.error) : ''}`)
    const { thingType } = found.data
    if (thingType?.updatedAt === known.current) return define(input)
    // Said already: by a save whose answer was lost, for one.
    if (thingType && saysSame(contentOf(thingType), input)) return onSaved(thingType.name)
    setTheirs(thingType)
  }

  async function define(input: ReturnType<typeof inputOf>): Promise<void> {
    const { data, error } = await client.mutation(DefineThingTypeDocument, { input })
    if (error?.networkError) throw new Error(`${describeProblem(error)} Whether it was saved is not known: save again.`)
    if (!data) throw new Error(error ? describeProblem(error) : 'The service did not answer.')
    setRefusals(data.defineThingType.errors)
    // The first of what was refused may be far from the button.
    setAttempts((count) => count + 1)
    if (data.defineThingType.thingType) onSaved(data.defineThingType.thingType.name)
  }

  /** What somebody else wrote may be written over from here. */
  function keepMine(): void {
    known.current = theirs?.updatedAt
    setTheirs(undefined)
  }

  function takeTheirs(): void {
    if (!theirs) return
    known.current = theirs.updatedAt
    const taken = draftOf(contentOf(theirs))
    setFirst(taken)
    setDraft(taken)
    setTheirs(undefined)
    setRefusals([])
  }

  const told = problems.filter(({ isMissing }) => !isMissing || attempts > 0)
  return {
    draft,
    isChanged: useMemo(() => isChanged(draft, first), [draft, first]),
    isSaving,
    problem,
    theirs,
    attempts,
    /** Where something is wrong, so that it can be shown. */
    places: [...told.map(({ at }) => at), ...refusals.map(({ path }) => path.join('.'))],
    errorsAt: (at: string) => [
      ...told.filter((one) => one.at === at).map(({ message }) => message),
      ...refusals.filter(({ path }) => path.join('.') === at).map(({ message }) => message),
    ],
    change,
    save,
    keepMine,
    takeTheirs,
  }
}
