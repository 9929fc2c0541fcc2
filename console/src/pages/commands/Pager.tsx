/** Page by page to the very first execution, and back. Where one stands is in the address. */
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { ListSearch } from '../../data/execution-filter.ts'
import { type Feed, type FeedState, OLDEST } from '../../data/feed.ts'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import styles from './Pager.module.css'

interface PagerProps {
  feed: Feed
  state: FeedState
  search: ListSearch
}

export function Pager({ feed, state: { shown, hasOlder, hasNewer }, search }: PagerProps) {
  const navigate = useNavigate({ from: '/commands' })
  const [problem, setProblem] = useState<string>()
  const go = (place: Pick<ListSearch, 'after' | 'before'>) => {
    const { after: _after, before: _before, ...filter } = search
    void navigate({ search: { ...filter, ...place } })
    scrollTo({ top: 0 })
  }
  const turn = async (to: 'after' | 'before') => {
    const row = to === 'after' ? shown.at(-1) : shown[0]
    const cursor = row && (await feed.cursorOf(row))
    if (!cursor) return setProblem('The service does not answer: try again.')
    setProblem(undefined)
    go({ [to]: cursor })
  }
  if (!hasOlder && !hasNewer) return null
  return (
    <nav className={styles['pager']} aria-label="Pages of the list">
      <Button disabled={!hasNewer} onClick={() => go({})}>
        Newest
      </Button>
      <Button disabled={!hasNewer} onClick={() => turn('before')}>
        <Icon name="up" /> Newer
      </Button>
      <Button disabled={!hasOlder} onClick={() => turn('after')}>
        <Icon name="down" /> Older
      </Button>
      <Button disabled={!hasOlder} onClick={() => go({ before: OLDEST })}>
        Oldest
      </Button>
      {problem && <span role="alert">{problem}</span>}
    </nav>
  )
}
