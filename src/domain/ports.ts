/** What the domain needs of MQTT, said without a word of MQTT's. `mqtt/gateway.ts` keeps these promises. */

import type { RequestMessage } from '../protocol/messages.ts'
import type { ExecutionTopic } from '../protocol/topics.ts'
import type { Execution } from './execution.ts'
import type { LiveScope } from './live.ts'

/** A request on its way to one thing. */
export interface OutgoingRequest extends ExecutionTopic {
  message: RequestMessage
  /** Milliseconds after which nobody may hand it on: the TTL that is left now. */
  ttlLeftMs: number
  /** For a thing that traces, where this is traced. */
  traceContext?: TraceContext | undefined
}

/**
 * `confirmed`: the broker has it. `hasSubscriber` is false where the broker said that nobody is subscribed; true is no proof.
 * `unconfirmed`: the link broke, or the broker was silent too long. It was withdrawn from our queue, and may or may not arrive.
 */
export type PublishOutcome = { kind: 'confirmed'; hasSubscriber: boolean } | { kind: 'unconfirmed'; why: string }

/** A message on a response topic, as it came. */
export interface IncomingResponse {
  topic: string
  payload: Uint8Array
  /** It may have been applied already: the broker says that it delivered this very message before, or a try was cut off. */
  redelivered: boolean
  /** Of the thing's own span, where it traces. From outside: anything may be in it. */
  traceContext?: TraceContext | undefined
}

/** What this replica needs of the others' announcements, for as long as somebody listens here. */
export interface Following {
  /** Resolves once they are heard, or cannot be for now (no link, a refusal, a silent broker). Never rejects. */
  ready: Promise<void>
  stop(): void
}

export interface Gateway {
  /** Whether a request can be published now and its response would be heard. */
  isAvailable(): boolean
  /** Publishes once, QoS 1, not retained; never throws for a broken link. */
  publishRequest(request: OutgoingRequest): Promise<PublishOutcome>
  /** Tells the other replicas, and whoever else may know, of what was committed. Waits for nothing, and may be lost. */
  announce(executions: readonly Execution[]): void
  /** Asks for what the other replicas announce of these; it comes to the `NewsHandler`. Counted: end each once. */
  follow(scope: LiveScope): Following
  /** How many responses wait for their commit, unacknowledged. */
  waitingResponses(): number
}

/** A client of the broker came or went. */
export interface ClientEvent {
  /** The MQTT clientId. */
  clientId: string
  online: boolean
}

/** Called with what the broker tells of its clients, of each client in order. */
export type ClientHandler = (event: ClientEvent) => void

/** What is heard of the other replicas. */
export interface NewsHandler {
  onUpdated(execution: Execution): void
  /** Announcements may have been missed until now: look into the database. */
  onMissed(): void
}

/** Called with what arrived, in order. The broker is acknowledged once it resolves; where it rejects, it is called again later. */
export type ResponseHandler = (responses: IncomingResponse[]) => Promise<void>

/** What continues a trace elsewhere: W3C's `traceparent` and `tracestate`. Only the tracing looks into it. */
export type TraceContext = Readonly<Record<string, string>>

/** A stretch of work that is traced. */
export interface Span {
  /** For what is done as a part of it. */
  context: TraceContext
  /** `problem`: the code of what went wrong. */
  end(outcome: { executionId?: string | undefined; problem?: string | undefined }): void
}

/** What the domain tells of its work where it is traced; `tracing/` keeps it. Where it is not, there is none of it. */
export interface Tracing {
  /** A whole send, as a part of the caller's trace. */
  startSend(command: { thingId: string; action: string; traceContext?: TraceContext | undefined }): Span
  startCommit(parent: TraceContext | undefined): Span
  /** A request on its way until the broker confirms it. Its settling will belong to it. */
  startPublish(execution: Execution, parent: TraceContext | undefined): Span
  /** Begins to settle; call what it returns with those that were settled. A response may say where it belongs. */
  startSettling(
    responses?: readonly (Partial<ExecutionTopic> & { traceContext?: TraceContext | undefined })[],
  ): (settled: readonly Execution[]) => void
}
