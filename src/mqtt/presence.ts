/** What EMQX tells of its clients, on topics of its own. Other brokers grant or refuse the subscription, and are silent. */
import type { MqttClient } from 'mqtt'
import { z } from 'zod'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { Logger } from '../base/log.ts'
import type { ClientHandler } from '../domain/ports.ts'
import { CLIENT_EVENTS } from '../protocol/topics.ts'
import { subscribeTo } from './subscribe.ts'

export interface ClientEvents {
  /** A new connection: subscribes again. */
  resume(client: MqttClient): void
  /** Takes an event, at once, and says whether it was one. */
  take(topic: string, payload: Buffer): boolean
}

/** The client id may hold anything; that in the payload is its own. */
const TOPIC = /^\$SYS\/brokers\/[^/]+\/clients\/.+\/(connected|disconnected)$/
/** Another connection of this client took its place, and it is that one that counts. */
const REPLACED = ['takenover', 'takeovered', 'discarded']
const MAX_CLIENTS = 50_000
/** A broker that hangs up on our SUBSCRIBE so often is not asked again. */
const MAX_HANG_UPS = 2

const milliseconds = z.number().nonnegative()
const eventSchema = z.looseObject({
  clientid: z.string(),
  connected_at: milliseconds.optional(),
  disconnected_at: milliseconds.optional(),
  reason: z.unknown().optional(),
})

export function createClientEvents(onClient: ClientHandler, log: Logger): ClientEvents {
  /** The broker's own time of the last event of each client: events may overtake each other. */
  const toldAt = createBoundedMap<string, number>(MAX_CLIENTS)
  let hangUps = 0
  return { resume: (client) => void subscribe(client), take }

  async function subscribe(client: MqttClient): Promise<void> {
    if (hangUps >= MAX_HANG_UPS) return
    const refused = await subscribeTo(client, CLIENT_EVENTS)
    if (client.connected) {
      hangUps = 0
      if (refused.length > 0) log.info({ filters: refused }, 'the broker does not let us hear which things are online')
      return
    }
    hangUps += 1
    if (hangUps === MAX_HANG_UPS)
      log.warn('the broker hung up when asked which things are online; it is not asked again')
  }

  function take(topic: string, payload: Buffer): boolean {
    const kind = TOPIC.exec(topic)?.[1]
    if (!kind) return false
    const event = readEvent(payload)
    if (!event) {
      log.debug({ topic: topic.slice(0, 256) }, 'an event of a client that cannot be read is ignored')
      return true
    }
    const online = kind === 'connected'
    if (!online && REPLACED.includes(String(event.reason))) return true
    if (isNew(event.clientid, online ? event.connected_at : event.disconnected_at)) {
      onClient({ clientId: event.clientid, online })
    }
    return true
  }

  /** Without a time, what comes last is the last. */
  function isNew(clientId: string, at: number | undefined): boolean {
    if (at === undefined) return true
    if (at < (toldAt.get(clientId) ?? 0)) return false
    toldAt.set(clientId, at)
    return true
  }
}

function readEvent(payload: Buffer): z.infer<typeof eventSchema> | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(payload.toString())).data
  } catch {
    return undefined
  }
}
