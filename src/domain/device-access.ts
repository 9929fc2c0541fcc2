/** What a broker that asks about its clients is told: who may come in, and what a thing may do. */
import { parseResponseTopic, thingOfRequestFilter } from '../protocol/topics.ts'
import { type ClientLookup, isAuthentic } from './clients.ts'

export interface DeviceLogin {
  clientId: string
  username: string | null | undefined
  password: string | null | undefined
}

export interface DeviceDeed {
  clientId: string
  action: 'publish' | 'subscribe'
  /** The topic, or the filter. */
  topic: string
  retain: boolean
}

/**
 * `ignore`: no thing has this clientId, so somebody else has to know it. A user name has to be the thing's id, because static
 * access rules go by it: with that of another thing, a thing with a good secret could speak for it.
 */
export async function authenticateDevice(
  lookUp: ClientLookup,
  { clientId, username, password }: DeviceLogin,
): Promise<'allow' | 'deny' | 'ignore'> {
  const thing = await lookUp(clientId)
  if (!thing) return 'ignore'
  if (username && username !== thing.thingId) return 'deny'
  return (await isAuthentic(thing, password)) ? 'allow' : 'deny'
}

/** A thing publishes its own responses, not retained, and subscribes to its own requests; nobody does anything else. */
export async function isDeviceAllowed(
  lookUp: ClientLookup,
  { clientId, action, topic, retain }: DeviceDeed,
): Promise<boolean> {
  const thingId = action === 'publish' ? parseResponseTopic(topic)?.thingId : thingOfRequestFilter(topic)
  if (thingId === undefined || (action === 'publish' && retain)) return false
  return (await lookUp(clientId))?.thingId === thingId
}
