import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTitle } from '../../app/use-title.ts'
import { mayManage, useCaller } from '../../data/caller.ts'
import { isThingFiltered, type ThingSearch } from '../../data/thing-filter.ts'
import { type ThingsState, useThings } from '../../data/use-things.ts'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { LinkNotice } from '../commands/LinkNotice.tsx'
import { Register } from './Register.tsx'
import { ThingFilters } from './ThingFilters.tsx'
import { ThingPager } from './ThingPager.tsx'
import styles from './ThingsPage.module.css'
import { ThingTable } from './ThingTable.tsx'

export function ThingsPage() {
  useTitle('Things')
  const search = useSearch({ from: '/things' })
  const [attempt, setAttempt] = useState(0)
  const { isTurning, ...state } = useThings(search, attempt)
  return (
    <>
      <div className={styles['head']}>
        <h1>Things</h1>
        {mayManage(useCaller()) && <Register />}
      </div>
      <ThingFilters search={search} />
      <LinkNotice />
      <div className={isTurning ? styles['turning'] : undefined} aria-busy={isTurning}>
        <Content state={state} search={search} onRetry={() => setAttempt(attempt + 1)} />
        <ThingPager state={state} search={search} />
      </div>
    </>
  )
}

interface ContentProps {
  state: ThingsState
  search: ThingSearch
  onRetry: () => void
}

function Content({ state: { phase, problem, things }, search, onRetry }: ContentProps) {
  if (phase === 'loading')
    return (
      <p role="status" className={styles['loading']}>
        Loading…
      </p>
    )
  if (phase === 'failed')
    return (
      <Notice kind="problem" title="The things could not be read.">
        <span>{problem}</span>
        <Button onClick={onRetry}>
          <Icon name="again" /> Try again
        </Button>
      </Notice>
    )
  if (things.length === 0) return <Empty search={search} />
  return <ThingTable things={things} search={search} />
}

function Empty({ search }: { search: ThingSearch }) {
  const navigate = useNavigate()
  const isManaging = mayManage(useCaller())
  if (search.after !== undefined || search.before !== undefined)
    return <Notice kind="empty" title="There is nothing on this page any more." />
  if (isThingFiltered(search))
    return (
      <Notice kind="empty" title="No thing matches this filter.">
        <p>{search.prefix ? 'Ids are searched from their beginning, in the case they are written in.' : ''}</p>
        <Button onClick={() => navigate({ to: '/things' })}>Clear the filter</Button>
      </Notice>
    )
  return (
    <Notice kind="empty" title="No thing is registered yet.">
      <p>A thing is a device that commands are sent to. Once it is registered, its page has the code to connect it.</p>
      {isManaging && <Register label="Register the first one" />}
    </Notice>
  )
}
