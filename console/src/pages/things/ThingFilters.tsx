/** What is typed here is in the address at once: a view is shared by sharing that. */
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { useQuery } from 'urql'
import { isThingFiltered, type ThingSearch } from '../../data/thing-filter.ts'
import { TypeNamesDocument } from '../../generated/graphql.ts'
import { Button } from '../../ui/Button.tsx'
import { inputClass } from '../../ui/Field.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { useSettled } from '../../ui/use-settled.ts'
import filterStyles from '../commands/Filters.module.css'
import { NamesFilter } from '../commands/NamesFilter.tsx'
import styles from './ThingsPage.module.css'

const TYPES_OFFERED = 100

export function ThingFilters({ search }: { search: ThingSearch }) {
  const navigate = useNavigate({ from: '/things' })
  const [{ data }] = useQuery({ query: TypeNamesDocument, variables: { first: TYPES_OFFERED } })
  const change = (changed: Partial<ThingSearch>) => {
    const { after: _after, before: _before, ...filter } = search
    const next = Object.entries({ ...filter, ...changed }).filter(([, value]) => value !== undefined)
    void navigate({ search: Object.fromEntries(next), replace: true })
  }
  return (
    <search className={filterStyles['filters']} aria-label="Filter">
      <PrefixField prefix={search.prefix ?? ''} onChange={(prefix) => change({ prefix: prefix || undefined })} />
      <NamesFilter
        label="Type"
        names={search.type}
        offered={data?.thingTypes.nodes.map(({ name }) => name) ?? []}
        onChange={(type) => change({ type })}
      />
      <NamesFilter label="Tag" names={search.tag} offered={[]} onChange={(tag) => change({ tag })} />
      <select
        className={`${inputClass} ${filterStyles['range']}`}
        aria-label="Online"
        value={search.online ?? ''}
        onChange={({ target: { value } }) => change({ online: value === 'yes' || value === 'no' ? value : undefined })}
      >
        <option value="">Online or not</option>
        <option value="yes">Online</option>
        <option value="no">Offline</option>
      </select>
      {isThingFiltered(search) && (
        <Button look="quiet" onClick={() => navigate({ search: {} })}>
          <Icon name="close" /> Clear
        </Button>
      )}
    </search>
  )
}

interface PrefixFieldProps {
  prefix: string
  onChange: (prefix: string) => void
}

function PrefixField({ prefix, onChange }: PrefixFieldProps) {
  const field = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(prefix)
  const settled = useSettled(text.trim())
  const search = useEffectEvent((typed: string) => {
    if (typed !== prefix) onChange(typed)
  })
  useEffect(() => search(settled), [settled])
  // The address was changed elsewhere. While somebody types it is only behind.
  useEffect(() => {
    if (document.activeElement !== field.current) setText(prefix)
  }, [prefix])
  return (
    <input
      ref={field}
      type="search"
      aria-label="Beginning of the thing ID"
      placeholder="Thing ID begins with"
      className={`${inputClass} ${styles['prefix']}`}
      value={text}
      autoCapitalize="none"
      autoComplete="off"
      spellCheck={false}
      onChange={({ target }) => setText(target.value)}
    />
  )
}
