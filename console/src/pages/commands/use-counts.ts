import { useEffect, useState } from 'react'
import { useQuery } from 'urql'
import { filterOf, type ListSearch } from '../../data/execution-filter.ts'
import { ExecutionCountsDocument, type ExecutionStatus } from '../../generated/graphql.ts'

/** They inform, and are counted anew now and then: the list itself is what is live. */
const COUNT_EVERY_MS = 5_000

export type Counts = Partial<Record<ExecutionStatus, string>>

/** How many there are of each status, whichever of them are shown. Not asked for while nobody looks. */
export function useCounts(search: ListSearch): Counts {
  const [filter, setFilter] = useState(() => filterOf(search, Date.now()))
  const address = JSON.stringify({ ...search, status: undefined, after: undefined, before: undefined })
  const [{ data }, count] = useQuery({
    query: ExecutionCountsDocument,
    variables: { filter },
    requestPolicy: 'cache-and-network',
  })
  useEffect(() => {
    const begin = () => setFilter(filterOf(JSON.parse(address), Date.now()))
    begin()
    const timer = setInterval(() => {
      if (document.visibilityState !== 'visible') return
      // A range of the last minutes moves on; any other filter stays as it is, and is asked again.
      if (JSON.parse(address).range) begin()
      else count({ requestPolicy: 'network-only' })
    }, COUNT_EVERY_MS)
    return () => clearInterval(timer)
  }, [address, count])
  return Object.fromEntries(data?.executionCounts.map((one) => [one.status, show(one)]) ?? [])
}

const show = ({ count, isMore }: { count: number; isMore: boolean }): string =>
  `${count.toLocaleString()}${isMore ? '+' : ''}`
