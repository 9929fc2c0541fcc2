/** On every other page than its own: that this tab is a device, how it is, and the end of it. */
import { Link, useLocation } from '@tanstack/react-router'
import { useStore } from '../data/store.ts'
import { Button } from '../ui/Button.tsx'
import styles from './Dock.module.css'
import type { Device } from './device.ts'
import { countWaiting } from './inbox.ts'
import { LINK_WORDS } from './words.ts'

export function Dock({ device, onStop }: { device: Device; onStop: () => void }) {
  const { link, inbox } = useStore(device)
  const waiting = countWaiting(inbox)
  const isAtHome = useLocation().pathname === '/device'
  if (isAtHome) return null
  return (
    <aside className={styles['dock']} aria-label="Simulated device">
      <Link to="/device" search={{ thing: device.thingId }} className={styles['name']}>
        <span className={styles['what']}>This tab is</span> <span className="mono">{device.thingId}</span>
      </Link>
      <span role="status" className={styles['state']} data-device={link}>
        <span className={styles[link]}>{LINK_WORDS[link]}</span>
        {waiting > 0 && <strong className={styles['waiting']}>{waiting} to answer</strong>}
      </span>
      <Button onClick={onStop}>Stop</Button>
    </aside>
  )
}
