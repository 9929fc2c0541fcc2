/** What is around every page. */
import { Link, Outlet } from '@tanstack/react-router'
import { useAbout } from '../data/about.ts'
import { DeviceProvider } from '../device/DeviceProvider.tsx'
import { SendProvider, useSend } from '../send/SendProvider.tsx'
import { Button } from '../ui/Button.tsx'
import { Icon } from '../ui/Icon.tsx'
import { LinkBadge } from './LinkBadge.tsx'
import { Menu } from './Menu.tsx'
import { PAGES } from './navigation.ts'
import styles from './Shell.module.css'

export function Shell() {
  return (
    <DeviceProvider>
      <SendProvider>
        <a className={styles['skip']} href="#content">
          To the content
        </a>
        <Bar />
        <main id="content" tabIndex={-1} className={styles['content']}>
          <Outlet />
        </main>
      </SendProvider>
    </DeviceProvider>
  )
}

function Bar() {
  const { isGraphiqlOn } = useAbout()
  return (
    <header className={styles['bar']}>
      <Link to="/commands" className={styles['brand']} aria-label="Fleet Commands">
        <img src="/assets/icon.svg" alt="" width="22" height="22" />
        <span>Fleet Commands</span>
      </Link>
      <nav className={styles['pages']} aria-label="Pages">
        {PAGES.map(({ to, label }) => (
          <Link key={to} to={to} className={styles['page']} activeOptions={{ includeSearch: false }}>
            {label}
          </Link>
        ))}
        {isGraphiqlOn && (
          <a href="/graphql" className={`${styles['page']} ${styles['wide']}`}>
            GraphiQL
          </a>
        )}
      </nav>
      <div className={styles['end']}>
        <LinkBadge />
        <SendButton />
        <Menu />
      </div>
    </header>
  )
}

function SendButton() {
  const { isOffered, hasShortcut, open, prepare } = useSend()
  if (!isOffered) return null
  return (
    <Button look="primary" onClick={() => open()} onPointerEnter={prepare} onFocus={prepare} aria-haspopup="dialog">
      <Icon name="send" />
      <span>
        Send <span className={styles['wide']}>command</span>
      </span>
      {hasShortcut && (
        <span className={styles['wide']} aria-hidden="true">
          <kbd>c</kbd>
        </span>
      )}
    </Button>
  )
}
