import type { ExecutionStatus } from '../generated/graphql.ts'
import { Icon, type IconName } from './Icon.tsx'
import styles from './Status.module.css'

interface Look {
  icon: IconName
  word: string
  className: string | undefined
}

export const STATUS_LOOKS: Record<ExecutionStatus, Look> = {
  SENT: { icon: 'sent', word: 'Sent', className: styles['sent'] },
  SUCCEEDED: { icon: 'succeeded', word: 'Succeeded', className: styles['succeeded'] },
  FAILED: { icon: 'failed', word: 'Failed', className: styles['failed'] },
  REJECTED: { icon: 'rejected', word: 'Rejected', className: styles['rejected'] },
  TIMED_OUT: { icon: 'timedOut', word: 'Timed out', className: styles['timedOut'] },
  CANCELED: { icon: 'canceled', word: 'Canceled', className: styles['canceled'] },
}

/** By a word, a sign and a colour. */
export function Status({ status }: { status: ExecutionStatus }) {
  const { icon, word, className } = STATUS_LOOKS[status]
  return (
    <span className={`${styles['status']} ${className}`}>
      <Icon name={icon} size={12} />
      {word}
    </span>
  )
}
