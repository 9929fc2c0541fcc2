import { useState } from 'react'
import type { Execution } from '../data/use-execution.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { Outcome } from './Outcome.tsx'
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
    <Dialog title="Send a command" onClose={onClose}>
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
  )
}
