/** The simulated device of this tab: it goes on while one is on other pages, and ends with the tab or the session. */
import { createContext, lazy, type ReactNode, Suspense, use, useCallback, useEffect, useMemo, useState } from 'react'
import { useAbout } from '../data/about.ts'
import type { Device } from './device.ts'

const Dock = lazy(async () => ({ default: (await import('./Dock.tsx')).Dock }))

export interface StartOptions {
  thingId: string
  clientId: string
  secret: string | undefined
}

interface Devices {
  /** Where the broker is the service's own: pages can reach no other. */
  isOffered: boolean
  device: Device | undefined
  start(options: StartOptions): Promise<void>
  stop(): void
}

const DeviceContext = createContext<Devices | undefined>(undefined)

export function DeviceProvider({ children }: { children: ReactNode }) {
  const path = useAbout().broker.webSocketPath ?? undefined
  const [device, setDevice] = useState<Device>()
  const start = useCallback(
    async (options: StartOptions) => {
      if (!path) return
      const { startDevice } = await import('./device.ts')
      setDevice(startDevice({ ...options, path }))
    },
    [path],
  )
  const stop = useCallback(() => setDevice(undefined), [])
  useEffect(() => {
    if (!device) return
    // The broker is told, and says at once that the thing is offline.
    const end = () => device.stop()
    addEventListener('pagehide', end)
    return () => {
      removeEventListener('pagehide', end)
      end()
    }
  }, [device])
  const devices = useMemo(() => ({ isOffered: path !== undefined, device, start, stop }), [path, device, start, stop])
  return (
    <DeviceContext value={devices}>
      {children}
      {device && (
        <Suspense>
          <Dock device={device} onStop={stop} />
        </Suspense>
      )}
    </DeviceContext>
  )
}

export function useDevices(): Devices {
  const devices = use(DeviceContext)
  if (!devices) throw new Error('there is no DeviceProvider above')
  return devices
}
