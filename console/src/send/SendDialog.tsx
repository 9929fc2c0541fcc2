import { useState } from 'react'
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import type { Execution } from '../data/use-execution.ts'
import { Button } from '../ui/Button.tsx'
import { Icon } from '../ui/Icon.tsx'
import { Outcome } from './Outcome.tsx'
import styles from './SendDialog.module.css'
import { SendForm } from './SendForm.tsx'
import type { Draft } from './SendProvider.tsx'

/** What a send came to: the execution, and what to know of it. */
export interface Sent {
  executionId: string
  execution: Execution | undefined
  warning: string | undefined
}

export function SendDialog({ draft, onClose }: { draft: Draft; onClose: () => void }) {
  const [sent, setSent] = useState<Sent>()
  const [next, setNext] = useState(draft)
  const [round, setRound] = useState(1)
  const again = () => {
    setSent(undefined)
    setRound(round + 1)
  }
  return (
    <ModalOverlay
      className={styles['overlay']}
      isOpen
      isDismissable={false}
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className={styles['modal']}>
        <Dialog className={styles['dialog']}>
          <header className={styles['head']}>
            <Heading slot="title">Send a command</Heading>
            <Button look="quiet" onClick={onClose} aria-label="Close">
              <Icon name="close" />
            </Button>
          </header>
          {sent ? (
            <Outcome sent={sent} onAgain={again} onClose={onClose} />
          ) : (
            <SendForm
              key={round}
              draft={next}
              onSent={(came, request) => {
                setNext(request)
                setSent(came)
              }}
              onClose={onClose}
            />
          )}
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
