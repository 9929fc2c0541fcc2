import { useSearch } from '@tanstack/react-router'
import { useTitle } from '../../app/use-title.ts'
import { useDevices } from '../../device/DeviceProvider.tsx'
import { Notice } from '../../ui/Notice.tsx'
import styles from './DevicePage.module.css'
import { Running } from './Running.tsx'
import { Start } from './Start.tsx'

export const EXAMPLE_THING = 'thermostat-001'

export function DevicePage() {
  useTitle('Simulated device')
  const { thing = EXAMPLE_THING } = useSearch({ from: '/device' })
  const { isOffered, device } = useDevices()
  return (
    <div className={styles['page']}>
      <h1>Simulated device</h1>
      {!isOffered ? (
        <Notice kind="empty" title="There is none here.">
          <p>Devices connect to a broker of its own, which a page cannot reach: npm run device starts one instead.</p>
        </Notice>
      ) : device ? (
        <Running key={device.thingId} device={device} />
      ) : (
        <Start key={thing} initialThing={thing} />
      )}
    </div>
  )
}
