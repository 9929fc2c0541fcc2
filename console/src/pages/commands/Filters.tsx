/** What is typed here is in the address at once: a view is shared by sharing that. */
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useQuery } from 'urql'
import { isFiltered, type ListSearch, RANGES, type Range, STATUSES } from '../../data/execution-filter.ts'
import { ActionNamesDocument, type ExecutionStatus, FindThingsDocument } from '../../generated/graphql.ts'
import { Button } from '../../ui/Button.tsx'
import { inputClass } from '../../ui/Field.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { STATUS_LOOKS } from '../../ui/Status.tsx'
import { useSettled } from '../../ui/use-settled.ts'
import styles from './Filters.module.css'
import { Instant } from './Instant.tsx'
import { NamesFilter } from './NamesFilter.tsx'
import { useCounts } from './use-counts.ts'

type Change = (change: Partial<ListSearch>) => void

export function Filters({ search }: { search: ListSearch }) {
  const navigate = useNavigate({ from: '/commands' })
  const change: Change = (changed) => {
    const { after: _after, before: _before, ...filter } = search
    const next = Object.entries({ ...filter, ...changed }).filter(([, value]) => value !== undefined)
    void navigate({ search: Object.fromEntries(next), replace: true })
  }
  return (
    <search className={styles['filters']} aria-label="Filter">
      <ThingFilter search={search} change={change} />
      <ActionFilter search={search} change={change} />
      <StatusFilter search={search} change={change} />
      <TimeFilter search={search} change={change} />
      {isFiltered(search) && (
        <Button look="quiet" onClick={() => navigate({ search: {} })}>
          <Icon name="close" /> Clear
        </Button>
      )}
    </search>
  )
}

interface FilterProps {
  search: ListSearch
  change: Change
}

function ThingFilter({ search, change }: FilterProps) {
  const [typed, setTyped] = useState('')
  const idPrefix = useSettled(typed)
  const [{ data }] = useQuery({ query: FindThingsDocument, variables: { idPrefix, first: 20 }, pause: idPrefix === '' })
  return (
    <NamesFilter
      label="Thing"
      names={search.thing}
      offered={idPrefix === '' ? [] : (data?.things.nodes.map(({ id }) => id) ?? [])}
      onType={setTyped}
      onChange={(thing) => change({ thing })}
    />
  )
}

const TYPES_LOOKED_AT = 100

function ActionFilter({ search, change }: FilterProps) {
  const [{ data }] = useQuery({ query: ActionNamesDocument, variables: { first: TYPES_LOOKED_AT } })
  const names = data?.thingTypes.nodes.flatMap(({ commands }) => commands.map(({ name }) => name)) ?? []
  return (
    <NamesFilter
      label="Action"
      names={search.action}
      offered={[...new Set(names)].sort()}
      onChange={(action) => change({ action })}
    />
  )
}

function StatusFilter({ search, change }: FilterProps) {
  const { status = [] } = search
  const counts = useCounts(search)
  const toggle = (one: ExecutionStatus) => {
    const chosen = STATUSES.filter((known) => (known === one) !== status.includes(known))
    change({ status: chosen.length > 0 ? chosen : undefined })
  }
  return (
    <fieldset className={styles['statuses']} aria-label="Status">
      {STATUSES.map((one) => {
        const { icon, word, className } = STATUS_LOOKS[one]
        const isChosen = status.includes(one)
        return (
          <button
            key={one}
            type="button"
            aria-pressed={isChosen}
            className={`${styles['status']} ${isChosen ? className : ''}`}
            onClick={() => toggle(one)}
          >
            <Icon name={icon} size={12} /> {word}
            {counts[one] && <span className={styles['count']}>{counts[one]}</span>}
          </button>
        )
      })}
    </fieldset>
  )
}

const RANGE_WORDS: Record<Range, string> = {
  '15m': 'Last 15 minutes',
  '1h': 'Last hour',
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
}

const ranges = Object.keys(RANGES) as Range[]
const HOUR_MS = 3_600_000

function TimeFilter({ search: { range, from, to }, change }: FilterProps) {
  const isOwn = from !== undefined || to !== undefined
  const choose = (value: string) => {
    if (value === 'own') {
      const hourAgo = new Date(Math.floor(Date.now() / 60_000) * 60_000 - HOUR_MS).toISOString()
      return change({ range: undefined, from: hourAgo })
    }
    change({ range: ranges.find((one) => one === value), from: undefined, to: undefined })
  }
  return (
    <>
      <select
        className={`${inputClass} ${styles['range']}`}
        aria-label="Time"
        value={isOwn ? 'own' : (range ?? '')}
        onChange={({ target }) => choose(target.value)}
      >
        <option value="">Any time</option>
        {ranges.map((one) => (
          <option key={one} value={one}>
            {RANGE_WORDS[one]}
          </option>
        ))}
        <option value="own">From … to …</option>
      </select>
      {isOwn && (
        <>
          <Instant label="From" value={from} onChange={(instant) => change({ from: instant })} />
          <Instant label="To" value={to} onChange={(instant) => change({ to: instant })} />
        </>
      )}
    </>
  )
}
