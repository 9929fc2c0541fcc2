import styles from './Combo.module.css'

/** By a word and a sign, not by the colour alone. */
export const Presence = ({ online }: { online: boolean | null }) => (
  <span className={`${styles['presence']} ${online ? styles['online'] : ''}`}>
    {online === null ? 'presence not known' : online ? 'online' : 'offline'}
  </span>
)
