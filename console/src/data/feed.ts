/** One list of executions: a page of it, and what changes from then on. */
import {
  ExecutionCursorDocument,
  type ExecutionFilter,
  ExecutionPageDocument,
  ExecutionRowsDocument,
  type ExecutionStatus,
} from '../generated/graphql.ts'
import { listen } from './listen.ts'
import { describeProblem } from './problem.ts'
import { applyChanges, PAGE_SIZE, type Row, type Rows, showWaiting } from './rows.ts'
import type { Service } from './service.ts'
import { createStore, type Store } from './store.ts'

export interface FeedRequest {
  /** Without statuses: what gets another one must be heard of, too. */
  filter: ExecutionFilter
  status: readonly ExecutionStatus[] | undefined
  after: string | undefined
  before: string | undefined
}

/** In place of a cursor: the page that ends with the very first execution. */
export const OLDEST = 'end'

export interface FeedState extends Rows {
  phase: 'loading' | 'ready' | 'failed'
  problem: string | undefined
  /** Why changes are not told at the moment. */
  silence: string | undefined
}

export interface Feed extends Pick<Store<FeedState>, 'get' | 'subscribe'> {
  /** Whether new rows are shown at once; else they wait. */
  follow(isFollowing: boolean): void
  showWaiting(): void
  /** Where the page behind this one begins, and where the one in front of it ends. */
  cursorOf(row: Row): Promise<string | undefined>
  /** Begins to load, and to listen. Returns the function that ends it. */
  start(): () => void
}

/** Changes are taken in together: thousands a second are ten renderings a second. */
const GATHER_MS = 100

const NOTHING: FeedState = {
  phase: 'loading',
  problem: undefined,
  silence: undefined,
  shown: [],
  waiting: [],
  waitingCount: 0,
  hasOlder: false,
  hasNewer: false,
}

function sizeOf({ after, before }: FeedRequest) {
  if (before === OLDEST) return { last: PAGE_SIZE }
  return before ? { last: PAGE_SIZE, before } : { first: PAGE_SIZE, ...(after && { after }) }
}

export function createFeed(service: Service, request: FeedRequest): Feed {
  const { client } = service
  const { filter, status, after, before } = request
  const whole: ExecutionFilter = { ...filter, ...(status && { status: [...status] }) }
  const state = createStore<FeedState>(NOTHING)
  const cursors = new Map<string, string>()
  let isFollowing = true
  let gathered: Row[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  const belongs = (row: Row): boolean => !status || status.includes(row.status)

  function takeIn(): void {
    timer = undefined
    const rows = gathered
    gathered = []
    const now = state.get()
    state.set({ ...now, ...applyChanges(now, { rows, isFollowing, belongs }) })
  }

  async function load(): Promise<void> {
    const size = sizeOf(request)
    const { data, error } = await client.query(ExecutionPageDocument, { filter: whole, ...size }).toPromise()
    if (!data) {
      const problem = error ? describeProblem(error) : 'There was no answer.'
      return state.set({ ...NOTHING, phase: 'failed', problem })
    }
    const { edges, pageInfo } = data.executions
    for (const { cursor, node } of edges) cursors.set(node.id, cursor)
    const { hasNextPage, hasPreviousPage } = pageInfo
    // Behind a cursor there is the row of the cursor, at least.
    const hasNewer = before ? hasPreviousPage : after !== undefined
    const shown = edges.map(({ node }) => node)
    state.set({
      ...NOTHING,
      phase: 'ready',
      shown,
      hasOlder: before && before !== OLDEST ? true : hasNextPage,
      hasNewer,
    })
  }

  const listenOn = (): (() => void) =>
    listen(service, {
      document: ExecutionRowsDocument,
      filter,
      onChange(row) {
        gathered.push(row)
        timer ??= setTimeout(takeIn, GATHER_MS)
      },
      onProblem: (silence) => state.set({ ...state.get(), silence }),
    })

  return {
    get: state.get,
    subscribe: state.subscribe,
    follow(following) {
      isFollowing = following
    },
    showWaiting: () => state.set({ ...state.get(), ...showWaiting(state.get()) }),
    async cursorOf(row) {
      const known = cursors.get(row.id)
      if (known) return known
      // Subscriptions tell no cursors: it is asked for, by what names this row.
      const named = { thingId: [row.thingId], createdAt: { from: row.createdAt, to: oneMsAfter(row.createdAt) } }
      const { data } = await client
        .query(ExecutionCursorDocument, { filter: { ...named, commandId: [row.commandId] } })
        .toPromise()
      return data?.executions.edges.find(({ node }) => node.id === row.id)?.cursor
    },
    start() {
      let stop = () => {}
      let isStopped = false
      void load().then(() => {
        if (!isStopped && state.get().phase === 'ready') stop = listenOn()
      })
      return () => {
        isStopped = true
        clearTimeout(timer)
        timer = undefined
        stop()
      }
    },
  }

  function oneMsAfter(instant: string): string {
    return new Date(Date.parse(instant) + 1).toISOString()
  }
}
