import { useEffect, useState } from 'react'
import { filterOf, type ListSearch } from '../../data/execution-filter.ts'
import { createFeed, type Feed } from '../../data/feed.ts'
import { useService } from '../../data/service.ts'

interface KeyedFeed extends Feed {
  key: number
}

let made = 0

/** The list that an address means. Another address, or another try, is another list. */
export function useFeed(search: ListSearch): { feed: KeyedFeed | undefined; retry: () => void } {
  const service = useService()
  const [attempt, setAttempt] = useState(0)
  const [feed, setFeed] = useState<KeyedFeed>()
  const address = JSON.stringify(search)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew.
  useEffect(() => {
    const wanted: ListSearch = JSON.parse(address)
    const { status, after, before } = wanted
    made += 1
    const next = { key: made, ...createFeed(service, { filter: filterOf(wanted, Date.now()), status, after, before }) }
    setFeed(next)
    return next.start()
  }, [service, address, attempt])
  return { feed, retry: () => setAttempt((count) => count + 1) }
}
