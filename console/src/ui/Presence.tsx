import styles from './Presence.module.css'

const LOOKS = { online: styles['online'], offline: '', unknown: styles['unknown'] }

interface PresenceProps {
  online: boolean | null
  /** What is said where the broker has not told. */
  unknown?: string
}

/** By a word and a sign, not by the colour alone. */
export function Presence({ online, unknown = 'presence not known' }: PresenceProps) {
  const state = online === null ? 'unknown' : online ? 'online' : 'offline'
  return (
    <span className={`${styles['presence']} ${LOOKS[state]}`} data-presence={state}>
      {state === 'unknown' ? unknown : state}
    </span>
  )
}
