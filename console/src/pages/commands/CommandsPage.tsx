import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'
import { useShortcut } from '../../app/use-shortcut.ts'
import { useTitle } from '../../app/use-title.ts'
import { isFiltered, type ListSearch } from '../../data/execution-filter.ts'
import type { Feed, FeedState } from '../../data/feed.ts'
import { useService } from '../../data/service.ts'
import { useStore } from '../../data/store.ts'
import { useDevices } from '../../device/DeviceProvider.tsx'
import { useSend } from '../../send/SendProvider.tsx'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { Notice } from '../../ui/Notice.tsx'
import styles from './CommandsPage.module.css'
import { Export } from './Export.tsx'
import { Filters } from './Filters.tsx'
import { LinkNotice } from './LinkNotice.tsx'
import { Pager } from './Pager.tsx'
import { Table } from './Table.tsx'
import { useFeed } from './use-feed.ts'
import { useFollowing } from './use-following.ts'

export function CommandsPage() {
  useTitle('Commands')
  const search = useSearch({ from: '/commands' })
  const { feed, isTurning, retry } = useFeed(search)
  return (
    <>
      <div className={styles['head']}>
        <h1>Commands</h1>
        <Export search={search} />
      </div>
      <Filters search={search} />
      <div className={isTurning ? styles['turning'] : undefined} aria-busy={isTurning}>
        {feed && <List key={feed.key} feed={feed} search={search} onRetry={retry} />}
      </div>
    </>
  )
}

interface ListProps {
  feed: Feed
  search: ListSearch
  onRetry: () => void
}

function List({ feed, search, onRetry }: ListProps) {
  const state = useStore(feed)
  useFollowing(feed)
  return (
    <>
      <LinkNotice />
      {state.silence && (
        <Notice kind="warning" title="Changes are not told at the moment.">
          <span>{state.silence} It is tried again by itself.</span>
        </Notice>
      )}
      <NewOnes feed={feed} state={state} />
      <Content state={state} search={search} onRetry={onRetry} />
      {state.phase === 'ready' && <Pager feed={feed} state={state} search={search} />}
    </>
  )
}

interface ContentProps {
  state: FeedState
  search: ListSearch
  onRetry: () => void
}

function Content({ state, search, onRetry }: ContentProps) {
  if (state.phase === 'loading') return <Loading />
  if (state.phase === 'failed')
    return (
      <Notice kind="problem" title="The list could not be read.">
        <span>{state.problem}</span>
        <Button onClick={onRetry}>
          <Icon name="again" /> Try again
        </Button>
      </Notice>
    )
  if (state.shown.length === 0) return <Empty isFiltered={isFiltered(search)} />
  return <Table rows={state.shown} status={search.status} />
}

/** Shown after a moment only: most lists are there before it. */
const Loading = () => (
  <div className={styles['loading']} role="status">
    <span className="unseen">Loading…</span>
    {Array.from({ length: 12 }, (_, n) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike.
      <div key={n} className={styles['bone']} />
    ))}
  </div>
)

function Empty({ isFiltered }: { isFiltered: boolean }) {
  const { isOffered, open } = useSend()
  const devices = useDevices()
  const navigate = useNavigate()
  if (isFiltered)
    return (
      <Notice kind="empty" title="Nothing matches this filter.">
        <p>What matches from now on appears here by itself.</p>
        <Button onClick={() => navigate({ to: '/commands' })}>Clear the filter</Button>
      </Notice>
    )
  return (
    <Notice kind="empty" title="No command was sent yet.">
      <p>Each command that is sent appears here by itself, and with it what became of it.</p>
      {isOffered && (
        <Button look="primary" onClick={() => open()}>
          Send the first one
        </Button>
      )}
      {devices.isOffered && (
        <p>
          No device at hand? <Link to="/device">Let this tab be one</Link>.
        </p>
      )}
    </Notice>
  )
}

/** New rows wait behind it while somebody reads further down, or on an older page. */
function NewOnes({ feed, state: { waitingCount, hasNewer } }: { feed: Feed; state: FeedState }) {
  const navigate = useNavigate({ from: '/commands' })
  const { link } = useService()
  const show = useCallback(() => {
    link.retry()
    if (hasNewer) void navigate({ search: ({ after: _after, before: _before, ...rest }) => rest })
    else feed.showWaiting()
    scrollTo({ top: 0 })
  }, [feed, hasNewer, navigate, link])
  useShortcut('n', show, waitingCount > 0)
  return (
    <div className={styles['new']} role="status">
      {waitingCount > 0 && (
        <Button look="primary" onClick={show}>
          <Icon name="up" /> {waitingCount.toLocaleString()} new
        </Button>
      )}
    </div>
  )
}
