/** One page of things, by id: what is shown of them changes as it happens, and who comes and goes is looked up now and then. */
import { useEffect, useState } from 'react'
import { ThingListDocument, type ThingRowFragment, ThingRowsDocument } from '../generated/graphql.ts'
import { keepSubscribed } from './keep-subscribed.ts'
import { describeProblem } from './problem.ts'
import { type Service, useService } from './service.ts'
import { type ThingSearch, thingFilterOf } from './thing-filter.ts'

export type ThingRow = ThingRowFragment

export interface ThingsState {
  phase: 'loading' | 'ready' | 'failed'
  problem: string | undefined
  things: readonly ThingRow[]
  /** Cursors of the pages beside this one; undefined: there is none. */
  previous: string | undefined
  next: string | undefined
}

/** In place of a cursor: the page that ends with the last thing. */
export const LAST = 'end'

const PAGE_SIZE = 50
/** What is registered and deregistered is told to nobody who listens to the things of a page. */
const READ_AGAIN_MS = 15_000

const LOADING: ThingsState = { phase: 'loading', problem: undefined, things: [], previous: undefined, next: undefined }

/** The page before is shown until the next one has come. `attempt`: another number loads it again. */
export function useThings(search: ThingSearch, attempt = 0): ThingsState & { isTurning: boolean } {
  const service = useService()
  const [state, setState] = useState(LOADING)
  const [isTurning, setIsTurning] = useState(false)
  const address = JSON.stringify(search)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew.
  useEffect(() => {
    setIsTurning(true)
    return followPage(service, JSON.parse(address), (next) => {
      setState(next)
      setIsTurning(false)
    })
  }, [service, address, attempt])
  return { ...state, isTurning }
}

function sizeOf({ after, before }: ThingSearch) {
  if (before === LAST) return { last: PAGE_SIZE }
  return before ? { last: PAGE_SIZE, before } : { first: PAGE_SIZE, ...(after && { after }) }
}

function followPage(service: Service, search: ThingSearch, tell: (state: ThingsState) => void): () => void {
  const variables = { filter: thingFilterOf(search), ...sizeOf(search) }
  let state = LOADING
  let listenedTo = ''
  let stopListening = () => {}
  let isStopped = false
  let isReading = false
  /** Told while the page was being read: as new as what was read, or newer. */
  let toldMeanwhile = new Map<string, ThingRow>()

  function show(next: ThingsState): void {
    state = next
    tell(next)
  }

  async function read(): Promise<void> {
    if (isReading) return
    isReading = true
    toldMeanwhile = new Map()
    const { data, error } = await service.client.query(ThingListDocument, variables).toPromise()
    isReading = false
    if (isStopped) return
    if (data) {
      const things = data.things.edges.map(({ node }) => toldMeanwhile.get(node.id) ?? node)
      show({ ...LOADING, phase: 'ready', things, ...besides(data.things, search) })
      listenTo(things.map(({ id }) => id))
    } else if (state.phase !== 'ready') {
      show({ ...LOADING, phase: 'failed', problem: error ? describeProblem(error) : 'There was no answer.' })
    }
  }

  function listenTo(ids: string[]): void {
    if (listenedTo === ids.join()) return
    listenedTo = ids.join()
    stopListening()
    stopListening = ids.length === 0 ? () => {} : listen(ids)
  }

  const listen = (ids: string[]): (() => void) =>
    keepSubscribed(service, {
      document: ThingRowsDocument,
      variables: () => ({ filter: { id: ids } }),
      onData({ thingUpdated: thing }) {
        toldMeanwhile.set(thing.id, thing)
        show({ ...state, things: state.things.map((one) => (one.id === thing.id ? thing : one)) })
      },
      // Then it is looked up.
      onProblem: () => {},
    })

  const timer = setInterval(() => {
    if (document.visibilityState === 'visible' && state.phase === 'ready') void read()
  }, READ_AGAIN_MS)
  // What changed while the socket was broken is told by nobody.
  let link = service.link.state.get()
  const stopWatching = service.link.state.subscribe(() => {
    const before = link
    link = service.link.state.get()
    if (link === 'live' && (before === 'lost' || before === 'offline')) void read()
  })
  void read()
  return () => {
    isStopped = true
    clearInterval(timer)
    stopWatching()
    stopListening()
  }
}

interface Page {
  edges: { cursor: string }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean }
}

/** Behind a cursor there is the row of the cursor, at least; the API looks in the direction of the page only. */
function besides(
  { edges, pageInfo: { hasNextPage, hasPreviousPage } }: Page,
  { after, before }: ThingSearch,
): Pick<ThingsState, 'previous' | 'next'> {
  const hasPrevious = before ? hasPreviousPage : after !== undefined
  const hasNext = before ? before !== LAST : hasNextPage
  return {
    previous: hasPrevious ? (edges[0]?.cursor ?? LAST) : undefined,
    next: hasNext ? edges.at(-1)?.cursor : undefined,
  }
}
