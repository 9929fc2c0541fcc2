/**
 * Responses shared by the replicas of a group (MQTT_SHARED_GROUP): each goes to one of them. Whether a broker shares
 * topics that begin with `$` it does not say: Mosquitto grants such a subscription and delivers nothing. So it is proved
 * by a message to ourselves, a canary, before anything depends on it.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { ALL_CANARIES, ALL_RESPONSES, canaryTopic, isCanaryTopic, sharedFilter } from '../protocol/topics.ts'
import { subscribeTo, unsubscribeFrom } from './subscribe.ts'

export interface Sharing {
  /** The filter under which the responses come. */
  responses: string
  /** Resolves once the canary was heard, or with what is wrong. Asked once it was heard, it has nothing to do. */
  prove(client: MqttClient): Promise<string | undefined>
  /** Takes canaries, ours and those of other replicas, and says whether it was one. */
  takeCanary(topic: string): boolean
  /** Whether the last canary was not heard. */
  isRefuted(): boolean
}

const CANARY_DEADLINE_MS = 2_000

/** `group`: undefined for a subscription of our own, which hears every response. */
export function createSharing(group: string | undefined, clientId: string): Sharing {
  let state: 'unproved' | 'proved' | 'refuted' = group === undefined ? 'proved' : 'unproved'
  let expected: { topic: string; hear: () => void } | undefined
  return {
    responses: group === undefined ? ALL_RESPONSES : sharedFilter(group, ALL_RESPONSES),
    prove,
    takeCanary,
    isRefuted: () => state === 'refuted',
  }

  async function prove(client: MqttClient): Promise<string | undefined> {
    if (state === 'proved' || group === undefined) return undefined
    const isHeard = await sendCanary(client, group)
    if (!client.connected) return undefined
    state = isHeard ? 'proved' : 'refuted'
    if (!isHeard) return explain(group)
    // What this session subscribed to before it shared: it would hear the same once more.
    await unsubscribeFrom(client, [ALL_RESPONSES])
    return undefined
  }

  /** In a group of its own, because a member of the real one may hear it in our place. */
  async function sendCanary(client: MqttClient, name: string): Promise<boolean> {
    const filter = sharedFilter(`${name}-canary-${clientId}`, ALL_CANARIES)
    const topic = canaryTopic(randomUUID())
    const patience = new AbortController()
    const heard = new Promise<boolean>((resolve) => {
      expected = { topic, hear: () => resolve(true) }
      client.once('close', () => resolve(false))
    })
    const tooLate = delay(CANARY_DEADLINE_MS, false, { signal: patience.signal }).catch(() => false)
    await Promise.race([subscribeTo(client, [filter], { isShared: true }), tooLate])
    client.publish(topic, '', { qos: 1 }, () => {})
    const isHeard = await Promise.race([heard, tooLate])
    patience.abort()
    expected = undefined
    await unsubscribeFrom(client, [filter])
    return isHeard
  }

  function takeCanary(topic: string): boolean {
    if (!isCanaryTopic(topic)) return false
    if (topic === expected?.topic) expected.hear()
    return true
  }
}

const explain = (group: string): string =>
  `MQTT_SHARED_GROUP: got ${JSON.stringify(group)}, but this broker does not share topics that begin with $ (Mosquitto does not, EMQX does): \
a message to ourselves, on ${ALL_CANARIES}, did not come back through $share within ${CANARY_DEADLINE_MS / 1000} s. \
Expected no MQTT_SHARED_GROUP, so that each replica hears every response, or a broker that shares them and an ACL that allows this`
