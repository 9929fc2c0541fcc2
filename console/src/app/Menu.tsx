/** Who I am, how I like it, and the way to GraphiQL. A popover of the browser: it closes by Escape and by a click elsewhere. */
import { Link } from '@tanstack/react-router'
import { useId } from 'react'
import { useAbout } from '../data/about.ts'
import { type Caller, useCaller } from '../data/caller.ts'
import { chooseShortcuts, chooseTheme, hasShortcuts, type Theme, theme } from '../data/preferences.ts'
import { useService } from '../data/service.ts'
import { signOut } from '../data/session.ts'
import { useStore } from '../data/store.ts'
import { useDevices } from '../device/DeviceProvider.tsx'
import { Button, buttonClass } from '../ui/Button.tsx'
import { Icon } from '../ui/Icon.tsx'
import styles from './Menu.module.css'

const THEMES: readonly { value: Theme; label: string }[] = [
  { value: 'system', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
]

export function Menu() {
  const id = useId()
  const { authorization } = useService()
  const { isGraphiqlOn } = useAbout()
  const { isOffered } = useDevices()
  return (
    <>
      <button type="button" className={buttonClass('quiet')} popoverTarget={id} aria-label="Menu">
        <Icon name="menu" size={16} />
      </button>
      <div id={id} popover="auto" className={styles['menu']}>
        <Who caller={useCaller()} />
        <ThemeChoice />
        <ShortcutChoice />
        {isOffered && <Link to="/device">Simulated device</Link>}
        {isGraphiqlOn && <a href="/graphql">GraphiQL</a>}
        {authorization && <Button onClick={signOut}>Sign out</Button>}
      </div>
    </>
  )
}

function Who({ caller: { name, role, isNarrowed } }: { caller: Caller }) {
  return (
    <p>
      <span className="muted">Signed in as</span> <strong className="mono">{name ?? 'anybody on this machine'}</strong>
      <br />
      <span className="muted">
        {role.toLowerCase()}
        {isNarrowed && ', of a part of the fleet'}
      </span>
    </p>
  )
}

function ThemeChoice() {
  const chosen = useStore(theme)
  return (
    <fieldset className={styles['themes']}>
      <legend className="muted">Theme</legend>
      {THEMES.map(({ value, label }) => (
        <label key={value}>
          <input type="radio" name="theme" checked={chosen === value} onChange={() => chooseTheme(value)} /> {label}
        </label>
      ))}
    </fieldset>
  )
}

function ShortcutChoice() {
  const isOn = useStore(hasShortcuts)
  return (
    <label>
      <input type="checkbox" checked={isOn} onChange={({ target }) => chooseShortcuts(target.checked)} /> Shortcuts of
      one key: <kbd>c</kbd> send a command, <kbd>n</kbd> show new ones
    </label>
  )
}
