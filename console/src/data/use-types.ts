/** Thing Types by name: a page of them, or those that a search finds. */
import { useEffect, useState } from 'react'
import { type Client, useClient } from 'urql'
import { ListThingTypesDocument, type ListThingTypesQuery } from '../generated/graphql.ts'
import { describeProblem } from './problem.ts'
import { LAST, type TypeSearch } from './type-search.ts'

export type TypeRow = ListThingTypesQuery['thingTypes']['nodes'][number]

export interface TypesPage {
  rows: readonly TypeRow[]
  /** Cursors of the pages beside this one. */
  previous?: string | undefined
  next?: string | undefined
  /** There are more types than were searched. */
  isCutShort?: boolean
}

const PAGE_SIZE = 50
const SEARCH_PAGE_SIZE = 100
export const MAX_SEARCHED = 1_000

export function useTypes(search: TypeSearch, attempt: number) {
  const client = useClient()
  const { q, after, before } = search
  const [page, setPage] = useState<TypesPage>()
  const [problem, setProblem] = useState<string>()
  const [isReading, setIsReading] = useState(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt reads again.
  useEffect(() => {
    let isLeft = false
    setIsReading(true)
    const reading = q ? searchTypes(client, q) : readPage(client, { after, before })
    reading
      .then((read): [TypesPage, undefined] => [read, undefined])
      .catch((error: unknown): [undefined, string] => [
        undefined,
        error instanceof Error ? error.message : String(error),
      ])
      .then(([read, told]) => {
        if (isLeft) return
        if (read) setPage(read)
        setProblem(told)
        setIsReading(false)
      })
    return () => {
      isLeft = true
    }
  }, [client, q, after, before, attempt])
  return { page, problem, isReading }
}

async function readPage(client: Client, { after, before }: TypeSearch): Promise<TypesPage> {
  const { nodes, pageInfo } = await ask(
    client,
    before ? { last: PAGE_SIZE, ...(before !== LAST && { before }) } : { first: PAGE_SIZE, ...(after && { after }) },
  )
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = pageInfo
  return {
    rows: nodes,
    previous: hasPreviousPage ? (startCursor ?? undefined) : undefined,
    next: hasNextPage ? (endCursor ?? undefined) : undefined,
  }
}

/** The API has no search for types, and there are few of them: they are read on, and looked through here. */
async function searchTypes(client: Client, q: string): Promise<TypesPage> {
  const wanted = q.toLowerCase()
  const found: TypeRow[] = []
  let after: string | undefined
  for (let read = 0; read < MAX_SEARCHED; read += SEARCH_PAGE_SIZE) {
    const { nodes, pageInfo } = await ask(client, { first: SEARCH_PAGE_SIZE, ...(after && { after }) })
    found.push(...nodes.filter((row) => wordsOf(row).some((word) => word.toLowerCase().includes(wanted))))
    if (!pageInfo.hasNextPage || !pageInfo.endCursor) return { rows: found }
    after = pageInfo.endCursor
  }
  return { rows: found, isCutShort: true }
}

const wordsOf = ({ name, description, commands }: TypeRow): string[] => [
  name,
  description ?? '',
  ...commands.map((command) => command.name),
]

async function ask(client: Client, variables: Record<string, unknown>): Promise<ListThingTypesQuery['thingTypes']> {
  const { data, error } = await client.query(ListThingTypesDocument, variables)
  if (!data) throw new Error(error ? describeProblem(error) : 'The service did not answer.')
  return data.thingTypes
}
