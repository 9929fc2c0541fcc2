import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTitle } from '../../app/use-title.ts'
import { mayDefine, useCaller } from '../../data/caller.ts'
import type { TypeSearch } from '../../data/type-search.ts'
import { MAX_SEARCHED, type TypesPage as Page, useTypes } from '../../data/use-types.ts'
import { Button, buttonClass } from '../../ui/Button.tsx'
import { inputClass } from '../../ui/Field.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { useSettled } from '../../ui/use-settled.ts'
import { LinkNotice } from '../commands/LinkNotice.tsx'
import { TypePager } from './TypePager.tsx'
import styles from './TypesPage.module.css'
import { TypeTable } from './TypeTable.tsx'

export function TypesPage() {
  useTitle('Thing types')
  const search = useSearch({ from: '/types' })
  const [attempt, setAttempt] = useState(0)
  const { page, problem, isReading } = useTypes(search, attempt)
  return (
    <div className={styles['page']}>
      <header className={styles['head']}>
        <h1>Thing types</h1>
        <SearchField q={search.q ?? ''} />
        <DefineLink />
      </header>
      <LinkNotice />
      {problem ? (
        <Notice kind="problem" title="The list could not be read.">
          <span>{problem}</span>
          <Button onClick={() => setAttempt(attempt + 1)}>
            <Icon name="again" /> Try again
          </Button>
        </Notice>
      ) : page ? (
        <div className={isReading ? styles['turning'] : undefined} aria-busy={isReading}>
          <Found page={page} search={search} />
        </div>
      ) : (
        <Loading />
      )}
    </div>
  )
}

function DefineLink() {
  if (!mayDefine(useCaller())) return null
  return (
    <Link to="/define-type" className={`${buttonClass('primary')} ${styles['define']}`}>
      <Icon name="plus" /> Define a type
    </Link>
  )
}

function SearchField({ q }: { q: string }) {
  const navigate = useNavigate({ from: '/types' })
  const [text, setText] = useState(q)
  const settled = useSettled(text.trim())
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was typed goes into the address, not the other way round.
  useEffect(() => {
    if (settled !== q) void navigate({ search: settled === '' ? {} : { q: settled }, replace: true })
  }, [settled])
  // The address was changed elsewhere: "Clear the search", or the bar at the top.
  useEffect(() => setText((before) => (before.trim() === q ? before : q)), [q])
  return (
    <input
      type="search"
      aria-label="Search types"
      placeholder="Name, description or command"
      className={`${inputClass} ${styles['search']}`}
      value={text}
      spellCheck={false}
      autoCapitalize="none"
      autoComplete="off"
      onChange={({ target }) => setText(target.value)}
    />
  )
}

function Found({ page, search }: { page: Page; search: TypeSearch }) {
  if (page.rows.length === 0) return <Empty search={search} />
  return (
    <>
      <TypeTable rows={page.rows} />
      {page.isCutShort && <p className="muted">Only the first {MAX_SEARCHED.toLocaleString()} types were searched.</p>}
      <TypePager page={page} />
    </>
  )
}

function Empty({ search: { q, after, before } }: { search: TypeSearch }) {
  const caller = useCaller()
  if (q !== undefined)
    return (
      <Notice kind="empty" title={`No type has “${q}” in its name, description or commands.`}>
        <Link to="/types" search={{}}>
          Clear the search
        </Link>
      </Notice>
    )
  if (after || before)
    return (
      <Notice kind="empty" title="There is nothing on this page of the list.">
        <Link to="/types" search={{}}>
          To the first one
        </Link>
      </Notice>
    )
  return (
    <Notice kind="empty" title="No thing type is defined yet.">
      <p>A type says which commands its things take, and with which params. A thing without one takes any.</p>
      {mayDefine(caller) && (
        <Link to="/define-type" className={buttonClass('primary')}>
          Define the first one
        </Link>
      )}
    </Notice>
  )
}

const Loading = () => (
  <div className={styles['loading']} role="status">
    <span className="unseen">Loading…</span>
    {Array.from({ length: 8 }, (_, n) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike.
      <div key={n} className={styles['bone']} />
    ))}
  </div>
)
