import type { Execution } from './execution.ts'
import type { OutgoingRequest, TraceContext } from './ports.ts'

/**
 * The request of an execution, the same however often it is published: `timestamp` and `ttl` are those of the execution,
 * because a device compares with their sum. What is left of the TTL is for the broker.
 */
export function requestOf(execution: Execution, ttlLeftMs: number, traceContext?: TraceContext): OutgoingRequest {
  const { id, thingId, commandId, action, params, ttl, createdAt } = execution
  return {
    thingId,
    executionId: id,
    message: { commandId, action, params, timestamp: Math.floor(createdAt.getTime() / 1000), ttl },
    ttlLeftMs,
    traceContext,
  }
}
