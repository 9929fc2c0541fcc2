import { useEffect, useEffectEvent, useState } from 'react'
import { useQuery } from 'urql'
import { serverNow } from '../../data/clock.ts'
import { filterOf, type ListSearch } from '../../data/execution-filter.ts'
import { ExecutionCountsDocument, type ExecutionStatus } from '../../generated/graphql.ts'

/** They inform, and are counted anew now and then: the list itself is what is live. */
const COUNT_EVERY_MS = 5_000

export type Counts = Partial<Record<ExecutionStatus, string>>

/** How many there are of each status, whichever of them are shown. Not asked for while nobody looks. */
export function useCounts(search: ListSearch): Counts {
  const [atMs, setAtMs] = useState(serverNow)
  const [{ data }, count] = useQuery({
    query: ExecutionCountsDocument,
    variables: { filter: filterOf(search, atMs) },
    requestPolicy: 'cache-and-network',
  })
  // `count` is another function whenever the variables change: as a dependency of the timer it would ask without end.
  const countAgain = useEffectEvent(() => {
    // A range of the last minutes moves on; any other filter stays as it is, and is asked again.
    if (search.range) setAtMs(serverNow())
    else count({ requestPolicy: 'network-only' })
  })
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') countAgain()
    }, COUNT_EVERY_MS)
    return () => clearInterval(timer)
  }, [])
  return Object.fromEntries(data?.executionCounts.map((one) => [one.status, show(one)]) ?? [])
}

const show = ({ count, isMore }: { count: number; isMore: boolean }): string =>
  `${count.toLocaleString()}${isMore ? '+' : ''}`
