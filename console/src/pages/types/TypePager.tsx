/** Page by page through all types. Where one stands is in the address. */
import { useNavigate } from '@tanstack/react-router'
import { LAST, type TypeSearch } from '../../data/type-search.ts'
import type { TypesPage } from '../../data/use-types.ts'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import styles from './TypesPage.module.css'

export function TypePager({ page: { previous, next } }: { page: TypesPage }) {
  const navigate = useNavigate({ from: '/types' })
  const go = (search: TypeSearch) => {
    void navigate({ search })
    scrollTo({ top: 0 })
  }
  if (!previous && !next) return null
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
