/** What stands in front of the page until it is done with. Loaded with what opens it, and not before. */
import type { ReactNode } from 'react'
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { Button } from './Button.tsx'
import styles from './Dialog.module.css'
import { Icon } from './Icon.tsx'

interface DialogProps {
  title: string
  /** It asks before something is done that cannot be undone. */
  isAlert?: boolean
  /** It holds what cannot be shown again: only its own buttons close it. */
  isKept?: boolean
  onClose: () => void
  children: ReactNode
}

export function Dialog({ title, isAlert, isKept = false, onClose, children }: DialogProps) {
  return (
    <ModalOverlay
      className={styles['overlay'] ?? ''}
      isOpen
      isDismissable={false}
      isKeyboardDismissDisabled={isKept}
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className={styles['modal'] ?? ''}>
        <AriaDialog className={styles['dialog'] ?? ''} role={isAlert ? 'alertdialog' : 'dialog'}>
          <header className={styles['head']}>
            <Heading slot="title">{title}</Heading>
            {!isKept && (
              <Button look="quiet" onClick={onClose} aria-label="Close">
                <Icon name="close" />
              </Button>
            )}
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}

export const DialogBody = ({ children }: { children: ReactNode }) => <div className={styles['body']}>{children}</div>

/** Its buttons, in view at the end of the window. */
export const DialogFoot = ({ hint, children }: { hint?: ReactNode; children: ReactNode }) => (
  <footer className={styles['foot']}>
    {hint && <span className={styles['hint']}>{hint}</span>}
    {children}
  </footer>
)
