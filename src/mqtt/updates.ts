/** An execution as it goes over the wire to other replicas, and back. */
import { type Execution, statusReason } from '../domain/execution.ts'
import { type ExecutionTopic, parseUpdatedTopic } from '../protocol/topics.ts'
import { parseUpdate, type UpdateMessage } from '../protocol/updates.ts'

/** Who publishes updates. */
export type Author = Pick<UpdateMessage, 'deployment' | 'replica'>

export const toUpdate = ({ deployment, replica }: Author, execution: Execution): UpdateMessage => ({
  deployment,
  replica,
  executionId: execution.id,
  commandId: execution.commandId,
  thingId: execution.thingId,
  thingType: execution.thingType,
  thingTypeVersion: execution.thingTypeVersion,
  action: execution.action,
  params: execution.params,
  ttl: execution.ttl,
  status: execution.status,
  result: execution.result ?? null,
  statusReason: statusReason(execution),
  requestedBy: execution.requestedBy,
  noSubscriber: execution.noSubscriber,
  settledBy: execution.settledBy,
  ignoredResponseCount: execution.ignoredCount,
  delivery: execution.delivery,
  publishCount: execution.publishCount,
  thingOnline: execution.thingOnline,
  createdAt: execution.createdAt.toISOString(),
  expiresAt: execution.expiresAt.toISOString(),
  settledAt: execution.settledAt?.toISOString() ?? null,
  updatedAt: execution.updatedAt.toISOString(),
})

/** Undefined where the payload is no update, or not of the execution that the topic names. */
export function readUpdate(topic: string, payload: Uint8Array): Execution | undefined {
  const named = parseUpdatedTopic(topic)
  const update = named && parseUpdate(payload)
  return update && isOf(update, named) ? toExecution(update) : undefined
}

const isOf = (update: UpdateMessage, { thingId, executionId }: ExecutionTopic): boolean =>
  update.thingId === thingId && update.executionId === executionId

const toExecution = (update: UpdateMessage): Execution => ({
  id: update.executionId,
  commandId: update.commandId,
  thingId: update.thingId,
  thingType: update.thingType,
  thingTypeVersion: update.thingTypeVersion,
  action: update.action,
  params: update.params,
  ttl: update.ttl,
  status: update.status,
  reasonCode: update.statusReason?.code ?? null,
  reasonMessage: update.statusReason?.message ?? null,
  result: update.result,
  requestedBy: update.requestedBy,
  noSubscriber: update.noSubscriber,
  settledBy: update.settledBy,
  ignoredCount: update.ignoredResponseCount,
  delivery: update.delivery,
  publishCount: update.publishCount,
  // For whoever publishes it, who reads it from the database.
  publishAgainAt: null,
  thingOnline: update.thingOnline,
  // For the audit, which reads it from the database.
  requestedFrom: null,
  createdAt: new Date(update.createdAt),
  expiresAt: new Date(update.expiresAt),
  settledAt: update.settledAt === null ? null : new Date(update.settledAt),
  updatedAt: new Date(update.updatedAt),
})
