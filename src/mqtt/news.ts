/** What other replicas announce: asked for, received, checked and handed over. */
import type { MqttClient } from 'mqtt'
import type { Logger } from '../base/log.ts'
import { createRareWarning } from '../base/rare-log.ts'
import type { LiveScope } from '../domain/live.ts'
import type { Following, NewsHandler } from '../domain/ports.ts'
import { parseUpdatedTopic } from '../protocol/topics.ts'
import { beginningOfDeployment, beginningOfReplica } from '../protocol/updates.ts'
import { createFollower } from './follow.ts'
import { type Author, readUpdate } from './updates.ts'

export interface News {
  start(handler: NewsHandler): void
  follow(scope: LiveScope): Following
  /** A new connection. */
  resume(client: MqttClient): void
  /** Takes an update, at once, so that none can pile up; and says whether it was one. */
  take(topic: string, payload: Buffer): boolean
  stop(): Promise<void>
}

/** `self`: who we are in our own updates. */
export function createNews(self: Author, log: Logger): News {
  const warn = createRareWarning(log, 'a message that is no update was ignored on the topic of one')
  const ofDeployment = Buffer.from(beginningOfDeployment(self.deployment))
  const ofReplica = Buffer.from(beginningOfReplica(self.deployment, self.replica))
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
    const isOfOthers = beginsWith(payload, ofDeployment) && !beginsWith(payload, ofReplica)
    if (!handler || !follower.isFollowed(named) || !isOfOthers) return true
    const execution = readUpdate(topic, payload)
    if (execution) handler.onUpdated(execution)
    else warn({ topic })
    return true
  }
}

const beginsWith = (payload: Buffer, beginning: Buffer): boolean =>
  payload.subarray(0, beginning.length).equals(beginning)
