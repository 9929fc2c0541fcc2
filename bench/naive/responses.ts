/** One response after the other: a guarded update for each. */
import { Socket } from 'node:net'
import { and, eq } from 'drizzle-orm'
import { connectAsync, type MqttClient } from 'mqtt'
import type { NaiveContext } from './context.ts'
import { executions } from './table.ts'

const RESPONSE_TOPIC = /^\$emqx\/commands\/things\/([^/]+)\/executions\/([^/]+)\/response$/

export async function connectToBroker(url: string): Promise<MqttClient> {
  const client = await connectAsync(url, { protocolVersion: 5, clientId: 'bench-naive' })
  if (client.stream instanceof Socket) client.stream.setNoDelay(true)
  return client
}

export async function takeResponses(ctx: NaiveContext): Promise<void> {
  ctx.broker.on('message', (topic, payload) => {
    settle(ctx, topic, payload).catch((error: unknown) => console.error('a response is lost', error))
  })
  await ctx.broker.subscribeAsync('$emqx/commands/things/+/executions/+/response', { qos: 1 })
}

async function settle({ db, events }: NaiveContext, topic: string, payload: Buffer): Promise<void> {
  const [, thingId = '', id = ''] = RESPONSE_TOPIC.exec(topic) ?? []
  const { status, result } = JSON.parse(payload.toString()) as { status: 'SUCCEEDED' | 'FAILED'; result?: unknown }
  const now = new Date()
  const [settled] = await db
    .update(executions)
    .set({ status, result, settledAt: now, updatedAt: now })
    .where(and(eq(executions.id, id), eq(executions.thingId, thingId), eq(executions.status, 'SENT')))
    .returning()
  if (settled) events.publish('executionUpdated', settled)
}
