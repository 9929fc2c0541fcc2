import type { ReactNode } from 'react'
import styles from './Notice.module.css'

interface NoticeProps {
  kind: 'problem' | 'warning' | 'empty'
  title: string
  children?: ReactNode
}

/** What a page says in place of its content, or above it. Problems are read out at once. */
export function Notice({ kind, title, children }: NoticeProps) {
  return (
    <div className={`${styles['notice']} ${styles[kind]}`} role={kind === 'problem' ? 'alert' : 'status'}>
      <strong>{title}</strong>
      {children}
    </div>
  )
}
