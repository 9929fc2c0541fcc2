/** Publishes what was committed, for other replicas and for rule engines: cheaply, twice for each command, and never waited for. */
import type { MqttClient } from 'mqtt'
import type { Logger } from '../base/log.ts'
import { createRareWarning } from '../base/rare-log.ts'
import type { Execution } from '../domain/execution.ts'
import { MAX_MESSAGE_BYTES } from '../protocol/messages.ts'
import { updatedTopic } from '../protocol/topics.ts'
import { encodeUpdate } from '../protocol/updates.ts'
import { encodePublish } from './packets.ts'
import { type Author, toUpdate } from './updates.ts'

/** A broker that takes nothing must not fill our memory: what is left out, other replicas find in the database. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024

/** A function that publishes on a connection. */
export function createAnnouncer(author: Author, log: Logger) {
  const warn = createRareWarning(log, 'updates are not announced; other replicas find them in the database')
  return function announce(client: MqttClient, executions: readonly Execution[]): void {
    for (const execution of executions) {
      const payload = encodeUpdate(toUpdate(author, execution))
      if (client.stream.writableLength > MAX_UNSENT_BYTES) warn({ why: 'the broker takes them too slowly' })
      else if (isTooBig(payload)) warn({ why: 'it is too big for a message', executionId: execution.id })
      else write(client, updatedTopic({ thingId: execution.thingId, executionId: execution.id }), payload)
    }
  }
}

/** Past mqtt.js, whose publish() costs several times as much. A packet of QoS 0 has no state that it would have to know. */
function write(client: MqttClient, topic: string, payload: string): void {
  client.stream.write(encodePublish(client.options.protocolVersion, { topic, payload }))
}

/** A broker may end the connection of whoever sends more. A character takes three bytes at most. */
const isTooBig = (payload: string): boolean =>
  payload.length > MAX_MESSAGE_BYTES / 3 && Buffer.byteLength(payload) > MAX_MESSAGE_BYTES
