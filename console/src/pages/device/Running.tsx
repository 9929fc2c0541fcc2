import { useStore } from '../../data/store.ts'
import { useDevices } from '../../device/DeviceProvider.tsx'
import type { Device, DeviceState } from '../../device/device.ts'
import { countWaiting } from '../../device/inbox.ts'
import { useSend } from '../../send/SendProvider.tsx'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { Notice } from '../../ui/Notice.tsx'
import styles from './DevicePage.module.css'
import { RequestCard } from './RequestCard.tsx'

/** The device remembers more, and answers them again: the page need not show them. */
const SHOWN = 50

const LINK_TEXTS: Record<DeviceState['link'], string> = {
  connecting: 'Connecting to the broker…',
  connected: 'Connected. Requests appear below as they come.',
  lost: 'The link to the broker is broken. It reconnects by itself.',
  refused: 'Not connected.',
}

export function Running({ device }: { device: Device }) {
  const state = useStore(device)
  const waiting = countWaiting(state.inbox)
  const { stop } = useDevices()
  const { isOffered, open } = useSend()
  return (
    <>
      <div className={styles['panel']}>
        <p>
          This tab is <strong className="mono">{device.thingId}</strong>.{' '}
          <span role="status" className={styles[state.link]} data-device={state.link}>
            {LINK_TEXTS[state.link]}
          </span>
        </p>
        {state.problem && <Notice kind="problem" title={state.problem} />}
        <label className={styles['choice']}>
          <input
            type="checkbox"
            checked={state.isAutomatic}
            onChange={({ target }) => device.setAutomatic(target.checked)}
          />{' '}
          Answer each new request with SUCCEEDED, at once
        </label>
        <div className={styles['buttons']}>
          {isOffered && (
            <Button look="primary" onClick={() => open({ thingId: device.thingId })}>
              <Icon name="send" /> Send it a command
            </Button>
          )}
          <Button onClick={stop}>{state.isSecretWanted ? 'Try another secret' : 'Stop the device'}</Button>
        </div>
        <p className="muted">
          It goes on while you are on other pages of the console, and ends when this tab is closed or loaded again.
        </p>
      </div>
      <h2 className={styles['head']}>
        Requests
        <span role="status" className={styles['waiting']}>
          {waiting > 0 && `${waiting} to answer`}
        </span>
      </h2>
      {state.inbox.length === 0 ? (
        <p className="muted">None came yet.</p>
      ) : (
        <ol className={styles['requests']}>
          {state.inbox.slice(0, SHOWN).map((received) => (
            <RequestCard key={received.executionId} device={device} received={received} />
          ))}
        </ol>
      )}
    </>
  )
}
