/** Page by page through all things. Where one stands is in the address. */
import { useNavigate } from '@tanstack/react-router'
import type { ThingSearch } from '../../data/thing-filter.ts'
import { LAST, type ThingsState } from '../../data/use-things.ts'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import styles from './ThingsPage.module.css'

interface ThingPagerProps {
  state: ThingsState
  search: ThingSearch
}

export function ThingPager({ state: { phase, previous, next }, search }: ThingPagerProps) {
  const navigate = useNavigate({ from: '/things' })
  const go = (place: Pick<ThingSearch, 'after' | 'before'>) => {
    const { after: _after, before: _before, ...filter } = search
    void navigate({ search: { ...filter, ...place } })
    scrollTo({ top: 0 })
  }
  if (phase !== 'ready' || (!previous && !next)) return null
  return (
    <nav className={styles['pager']} aria-label="Pages of the list">
      <Button disabled={!previous} onClick={() => go({})}>
        First
      </Button>
      <Button disabled={!previous} onClick={() => previous && go({ before: previous })}>
        <Icon name="up" /> Previous
      </Button>
      <Button disabled={!next} onClick={() => next && go({ after: next })}>
        <Icon name="down" /> Next
      </Button>
      <Button disabled={!next} onClick={() => go({ before: LAST })}>
        Last
      </Button>
    </nav>
  )
}
