/** Reference devices that write down what they get, do and answer. */
import { type Device, type DeviceEvent, type DeviceResponse, startDevice } from '../../src/device/device.ts'
import type { Entry } from '../check/records.ts'

export interface DevicesOptions {
  things: readonly string[]
  mqttUrl: string
  write: (entry: Entry) => void
  /** Waited for before each answer. */
  beforeAnswer?: () => Promise<unknown>
}

const RECONNECT_MS = 100

export async function startDevices({
  things,
  mqttUrl,
  write,
  beforeAnswer,
}: DevicesOptions): Promise<{ stop(): Promise<void> }> {
  const start = (thingId: string): Promise<Device> =>
    startDevice({
      thingId,
      url: mqttUrl,
      reconnectMs: RECONNECT_MS,
      act: async (request): Promise<DeviceResponse> => {
        const { executionId } = request
        write({ at: Date.now(), kind: 'acted', executionId, intent: String(request.params['intent']), thingId })
        await beforeAnswer?.()
        return { status: 'SUCCEEDED', result: null }
      },
      onEvent: (event) => note(event, write),
    })
  const devices = await Promise.all(things.map(start))
  return { stop: async () => void (await Promise.all(devices.map((device) => device.stop()))) }
}

function note(event: DeviceEvent, write: (entry: Entry) => void): void {
  const at = event.at.getTime()
  const { kind, thingId } = event
  if (kind === 'request' || kind === 'repeated' || kind === 'expired')
    write({ at, kind: 'received', executionId: event.executionId, thingId })
  if (kind === 'answered') write({ at, kind: 'answered', executionId: event.executionId, status: event.status })
}
