import styles from './Code.module.css'
import { Copy } from './Copy.tsx'

/** Text to be copied, as it is. */
export function Code({ text, name }: { text: string; name: string }) {
  return (
    <div className={styles['box']}>
      <div className={styles['copy']}>
        <Copy text={text} label="Copy" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section className={styles['code']} aria-label={name} tabIndex={0}>
        <pre>{text}</pre>
      </section>
    </div>
  )
}
