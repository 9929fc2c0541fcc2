import styles from './Code.module.css'

/** Text as it is, to be read and copied. */
export function Code({ text, name }: { text: string; name: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
    <section className={styles['code']} aria-label={name} tabIndex={0}>
      <pre>{text}</pre>
    </section>
  )
}
