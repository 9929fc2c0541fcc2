/** What other replicas announce: asked for, received, checked and handed over. */
import type { MqttClient } from 'mqtt'
import type { Logger } from '../base/log.ts'
import type { LiveScope } from '../domain/live.ts'
import type { Following, NewsHandler } from '../domain/ports.ts'
import { parseUpdatedTopic } from '../protocol/topics.ts'
import { beginningOfUpdates } from '../protocol/updates.ts'
import { createFollower } from './follow.ts'
import { createRareWarning } from './rare-log.ts'
import { readUpdate } from './updates.ts'

export interface News {
  start(handler: NewsHandler): void
  follow(scope: LiveScope): Following
  /** A new connection. */
  resume(client: MqttClient): void
  /** Takes an update, at once, so that none can pile up; and says whether it was one. */
  take(topic: string, payload: Buffer): boolean
  stop(): Promise<void>
}

/** `replica`: what our own updates are signed with. */
export function createNews(replica: string, log: Logger): News {
  const warn = createRareWarning(log, 'a message that is no update was ignored on the topic of one')
  const own = Buffer.from(beginningOfUpdates(replica))
  const follower = createFollower(log, () => handler?.onMissed())
  let handler: NewsHandler | undefined
  return {
    start(given) {
      handler = given
    },
    follow: follower.follow,
    resume: follower.resume,
    take,
    stop: follower.stop,
  }

  function take(topic: string, payload: Buffer): boolean {
    const named = parseUpdatedTopic(topic)
    if (!named) return false
    // MQTT 3.1.1 has no way not to hear oneself.
    if (!handler || isOwn(payload) || !follower.isFollowed(named)) return true
    const execution = readUpdate(topic, payload)
    if (execution) handler.onUpdated(execution)
    else warn({ topic })
    return true
  }

  function isOwn(payload: Buffer): boolean {
    return payload.subarray(0, own.length).equals(own)
  }
}
