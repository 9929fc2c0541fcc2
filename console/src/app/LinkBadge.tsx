/** Whether what is shown is live. In words, and read out when it changes. */
import type { LinkState } from '../data/link.ts'
import { useService } from '../data/service.ts'
import { useStore } from '../data/store.ts'
import styles from './LinkBadge.module.css'

const WORDS: Record<LinkState, string> = {
  idle: '',
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Reconnecting',
  offline: 'Offline',
}

export function LinkBadge() {
  const state = useStore(useService().link.state)
  return (
    <span role="status" className={`${styles['badge']} ${styles[state]}`} data-link={state}>
      {WORDS[state]}
    </span>
  )
}
