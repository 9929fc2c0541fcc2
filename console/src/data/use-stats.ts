/** The numbers of a time, asked for again while somebody looks. What was read last stays while the service is away. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { OverviewDocument, type OverviewQuery } from '../generated/graphql.ts'
import { serverNow } from './clock.ts'
import { describeProblem } from './problem.ts'
import { type Service, useService } from './service.ts'
import { SPANS, type StatsSpan, variablesOf } from './stats-range.ts'

export type Stats = OverviewQuery['executionStats']
export type StatsBucket = Stats['buckets'][number]
export type Counts = Stats['counts']

export interface StatsState {
  span: StatsSpan
  stats: Stats | undefined
  /** When it was read. */
  readAt: string | undefined
  /** Why it could not be read the last time. */
  problem: string | undefined
}

const nothingOf = (span: StatsSpan): StatsState => ({ span, stats: undefined, readAt: undefined, problem: undefined })

export function useStats(span: StatsSpan): StatsState & { refresh: () => void } {
  const service = useService()
  const [state, setState] = useState(nothingOf(span))
  const watch = useRef<Watch>(undefined)
  useEffect(() => {
    watch.current = watchStats(service, span, setState)
    return () => watch.current?.stop()
  }, [service, span])
  const refresh = useCallback(() => watch.current?.refresh(), [])
  // Those of another range are nobody's: it is loading.
  return { ...(state.span === span ? state : nothingOf(span)), refresh }
}

interface Watch {
  refresh(): void
  stop(): void
}

type Update = (change: (before: StatsState) => StatsState) => void

/** After so long an answer is not waited for any more: on a dead connection none may ever come. */
const PATIENCE_MS = 20_000

/** One question at a time, and none while nobody looks. */
function watchStats(service: Service, span: StatsSpan, update: Update): Watch {
  const { refreshMs } = SPANS[span]
  let isAsking = false
  let isStopped = false
  let round = 0
  let askedAt = 0

  const fail = (problem: string) =>
    update((before) => ({ ...(before.span === span ? before : nothingOf(span)), problem }))

  async function ask(): Promise<void> {
    if (isAsking && Date.now() - askedAt < PATIENCE_MS) return
    if (isAsking) fail('The service does not answer.')
    isAsking = true
    askedAt = Date.now()
    round += 1
    const mine = round
    const { data, error } = await service.client.query(OverviewDocument, variablesOf(span, serverNow())).toPromise()
    if (isStopped || mine !== round) return
    isAsking = false
    if (!data) return fail(error ? describeProblem(error) : 'There was no answer.')
    const readAt = new Date(serverNow()).toISOString()
    update(() => ({ span, stats: data.executionStats, readAt, problem: undefined }))
  }

  const refresh = () => void ask()
  const isSeen = () => document.visibilityState === 'visible'
  /** Whoever comes back to the page sees what is so now, where that is due. */
  const onSeen = () => {
    if (isSeen() && Date.now() - askedAt >= refreshMs) refresh()
  }
  refresh()
  const timer = setInterval(() => isSeen() && refresh(), refreshMs)
  document.addEventListener('visibilitychange', onSeen)
  addEventListener('online', refresh)
  return {
    refresh,
    stop() {
      isStopped = true
      clearInterval(timer)
      document.removeEventListener('visibilitychange', onSeen)
      removeEventListener('online', refresh)
    },
  }
}
