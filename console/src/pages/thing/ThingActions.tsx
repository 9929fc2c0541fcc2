/** What may be done with a thing. What the role may not do is not offered. */
import { lazy, Suspense, useState } from 'react'
import { mayManage, useCaller } from '../../data/caller.ts'
import type { Thing } from '../../data/use-thing.ts'
import { useSend } from '../../send/SendProvider.tsx'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import styles from '../execution/Actions.module.css'

const DIALOGS = {
  edit: lazy(async () => ({ default: (await import('./EditDialog.tsx')).EditDialog })),
  secret: lazy(async () => ({ default: (await import('./SecretDialog.tsx')).SecretDialog })),
  deregister: lazy(async () => ({ default: (await import('./DeregisterDialog.tsx')).DeregisterDialog })),
}

export interface ThingDialogProps {
  thing: Thing
  onChanged: (thing: Thing) => void
  onClose: () => void
}

interface ThingActionsProps {
  thing: Thing
  onChanged: (thing: Thing) => void
}

export function ThingActions({ thing, onChanged }: ThingActionsProps) {
  const { isOffered, open, prepare } = useSend()
  const isManaging = mayManage(useCaller())
  const [opened, setOpened] = useState<keyof typeof DIALOGS>()
  const Dialog = opened && DIALOGS[opened]
  return (
    <div className={styles['actions']}>
      {isOffered && (
        <Button onClick={() => open({ thingId: thing.id })} onPointerEnter={prepare} aria-haspopup="dialog">
          <Icon name="send" /> Send command
        </Button>
      )}
      {isManaging && (
        <>
          <Button onClick={() => setOpened('edit')} aria-haspopup="dialog">
            Edit
          </Button>
          <Button onClick={() => setOpened('secret')} aria-haspopup="dialog">
            {thing.hasSecret ? 'New secret' : 'Issue a secret'}
          </Button>
          <Button look="danger" onClick={() => setOpened('deregister')} aria-haspopup="dialog">
            Deregister
          </Button>
        </>
      )}
      {Dialog && (
        <Suspense>
          <Dialog thing={thing} onChanged={onChanged} onClose={() => setOpened(undefined)} />
        </Suspense>
      )}
    </div>
  )
}
