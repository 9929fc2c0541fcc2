import type { DeviceState } from './device.ts'

export const LINK_WORDS: Record<DeviceState['link'], string> = {
  connecting: 'connecting',
  connected: 'connected',
  lost: 'reconnecting',
  refused: 'not connected',
}
