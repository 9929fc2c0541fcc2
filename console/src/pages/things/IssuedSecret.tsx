import { Button } from '../../ui/Button.tsx'
import { Copy } from '../../ui/Copy.tsx'
import { Dialog, DialogBody, DialogFoot } from '../../ui/Dialog.tsx'
import styles from './IssuedSecret.module.css'

interface IssuedSecretProps {
  thingId: string
  secret: string
  doneWord: string
  onDone: () => void
}

/** The only time that anybody sees it. */
export function IssuedSecret({ thingId, secret, doneWord, onDone }: IssuedSecretProps) {
  return (
    <Dialog title="Its secret" isKept onClose={onDone}>
      <DialogBody>
        <p>
          <span className="mono">{thingId}</span> shows it to the broker as its MQTT password, with its thing ID as the
          user name.
        </p>
        <p className={styles['secret']}>
          <code data-secret>{secret}</code>
          <Copy text={secret} label="Copy" />
        </p>
        <p>
          <strong>It is shown this once.</strong> Only its hash is kept: whoever loses it gets the thing a new one.
        </p>
      </DialogBody>
      <DialogFoot>
        <Button look="primary" onClick={onDone}>
          {doneWord}
        </Button>
      </DialogFoot>
    </Dialog>
  )
}
