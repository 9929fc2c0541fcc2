import { useEffect, useState } from 'react'
import { serverNow } from '../../data/clock.ts'
import { filterOf, type ListSearch } from '../../data/execution-filter.ts'
import { createFeed, type Feed } from '../../data/feed.ts'
import { type Service, useService } from '../../data/service.ts'

export interface KeyedFeed extends Feed {
  key: number
}

let made = 0

/**
 * The list that an address means. Another address, or another try, is another list; the one before is shown until it has
 * come, so that nothing flickers.
 */
export function useFeed(search: ListSearch): { feed: KeyedFeed | undefined; isTurning: boolean; retry: () => void } {
  const service = useService()
  const [attempt, setAttempt] = useState(0)
  const [feed, setFeed] = useState<KeyedFeed>()
  const [isTurning, setIsTurning] = useState(false)
  const address = JSON.stringify(search)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew.
  useEffect(() => {
    const next = makeFeed(service, JSON.parse(address))
    const show = () => {
      if (next.get().phase === 'loading') return
      setFeed(next)
      setIsTurning(false)
    }
    const unsubscribe = next.subscribe(show)
    const stop = next.start()
    setFeed((before) => before ?? next)
    setIsTurning(true)
    return () => {
      unsubscribe()
      stop()
    }
  }, [service, address, attempt])
  return { feed, isTurning, retry: () => setAttempt((count) => count + 1) }
}

function makeFeed(service: Service, search: ListSearch): KeyedFeed {
  const { status, after, before } = search
  made += 1
  return { key: made, ...createFeed(service, { filter: filterOf(search, serverNow()), status, after, before }) }
}
