/** Where a request waits for an answer: who could give it, in this very tab. */
import { Link } from '@tanstack/react-router'
import type { ExecutionStatus } from '../generated/graphql.ts'
import { useDevices } from './DeviceProvider.tsx'

interface DeviceHintProps {
  thingId: string
  status: ExecutionStatus
  onFollow: () => void
}

export function DeviceHint({ thingId, status, onFollow }: DeviceHintProps) {
  const { isOffered, device } = useDevices()
  if (!isOffered || status !== 'SENT' || (device && device.thingId !== thingId)) return null
  return (
    <p>
      <Link to="/device" search={{ thing: thingId }} onClick={onFollow}>
        {device ? 'Answer it in the simulated device' : 'Be the device yourself, in this tab'}
      </Link>
    </p>
  )
}
