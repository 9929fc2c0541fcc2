import { useEffect } from 'react'
import type { Feed } from '../../data/feed.ts'

/** So far down one reads on while new rows come. */
const AT_TOP_PX = 24

/** New rows are shown at once while the top is in view. Further down they would move what somebody reads. */
export function useFollowing(feed: Feed): void {
  useEffect(() => {
    const look = () => {
      const isAtTop = scrollY <= AT_TOP_PX
      feed.follow(isAtTop)
      const { waitingCount, hasNewer } = feed.get()
      if (isAtTop && waitingCount > 0 && !hasNewer) feed.showWaiting()
    }
    look()
    addEventListener('scroll', look, { passive: true })
    return () => removeEventListener('scroll', look)
  }, [feed])
}
