/** The spans of a command. Names and attributes follow OpenTelemetry's semantic conventions where they have one. */
import {
  type Attributes,
  type Link,
  type Span as SdkSpan,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { Execution } from '../domain/execution.ts'
import type { Span, TraceContext, Tracing } from '../domain/ports.ts'
import { REQUEST_TEMPLATE, RESPONSE_TEMPLATE, requestTopic, responseTopic } from '../protocol/topics.ts'
import { carrierOf, parentIn } from './carrier.ts'

/** Executions that were sent here and are not settled, some 300 bytes each. The settling of one that was forgotten begins a trace of its own. */
const MAX_OPEN = 50_000

/** The domain's port to tracing, kept with this tracer. */
export function createTracing(tracer: Tracer): Tracing {
  const open = createBoundedMap<string, TraceContext>(MAX_OPEN)
  return { startSend, startCommit, startPublish, startSettling }

  function startSend({ thingId, action, traceContext }: Parameters<Tracing['startSend']>[0]): Span {
    // They come from outside, unchecked.
    const attributes = { 'fleet_commands.thing_id': cut(thingId), 'fleet_commands.action': cut(action) }
    return start('send command', SpanKind.INTERNAL, attributes, traceContext)
  }

  function startCommit(parent: TraceContext | undefined): Span {
    return start('commit execution', SpanKind.INTERNAL, {}, parent)
  }

  function startPublish(execution: Execution, parent: TraceContext | undefined): Span {
    const span = start('publish request', SpanKind.PRODUCER, ofRequest(execution), parent)
    // A device may answer before the broker confirms.
    open.set(execution.id, span.context)
    return span
  }

  function startSettling(responses: Parameters<Tracing['startSettling']>[0] = []) {
    const startTime = Date.now()
    const answered = responses.filter(({ traceContext }) => traceContext)
    const contexts = new Map(answered.map((one) => [keyOf(one.executionId, one.thingId), one.traceContext]))
    return (settled: readonly Execution[]) => {
      for (const execution of settled)
        traceSettled(execution, startTime, contexts.get(keyOf(execution.id, execution.thingId)))
    }
  }

  function traceSettled(execution: Execution, startTime: number, answer: TraceContext | undefined): void {
    const request = open.get(execution.id)
    open.delete(execution.id)
    const isAnswered = ANSWERS.includes(execution.status)
    const options = {
      kind: isAnswered ? SpanKind.CONSUMER : SpanKind.INTERNAL,
      attributes: {
        ...(isAnswered ? ofResponse(execution) : ofExecution(execution)),
        'fleet_commands.status': execution.status,
      },
      links: answer && request ? linksTo(request) : [],
      startTime,
    }
    endSpan(tracer.startSpan('settle execution', options, parentIn(answer ?? request)), problemOf(execution))
  }

  function start(name: string, kind: SpanKind, attributes: Attributes, parent: TraceContext | undefined): Span {
    const span = tracer.startSpan(name, { kind, attributes }, parentIn(parent))
    return {
      context: carrierOf(span),
      end({ executionId, problem }) {
        if (executionId) span.setAttribute('fleet_commands.execution_id', executionId)
        endSpan(span, problem)
      },
    }
  }
}

const ANSWERS: readonly Execution['status'][] = ['SUCCEEDED', 'FAILED', 'REJECTED']

const MAX_TEXT = 128
const cut = (text: string): string => text.slice(0, MAX_TEXT)

/** Another thing may name the execution as well: its answer is not the one that settled it. */
const keyOf = (executionId: string | undefined, thingId: string | undefined): string => `${executionId} ${thingId}`

const ofExecution = ({ id, thingId, action }: Execution): Attributes => ({
  'fleet_commands.execution_id': id,
  'fleet_commands.thing_id': thingId,
  'fleet_commands.action': action,
})

/** Of the request to the thing. */
const ofRequest = (execution: Execution): Attributes => ({
  ...ofMessage(execution),
  'messaging.operation.type': 'send',
  'messaging.operation.name': 'publish',
  'messaging.destination.name': requestTopic({ thingId: execution.thingId, executionId: execution.id }),
  'messaging.destination.template': REQUEST_TEMPLATE,
})

/** Of the thing's response. */
const ofResponse = (execution: Execution): Attributes => ({
  ...ofMessage(execution),
  'messaging.operation.type': 'process',
  'messaging.operation.name': 'settle',
  'messaging.destination.name': responseTopic({ thingId: execution.thingId, executionId: execution.id }),
  'messaging.destination.template': RESPONSE_TEMPLATE,
})

const ofMessage = (execution: Execution): Attributes => ({
  ...ofExecution(execution),
  'messaging.system': 'mqtt',
  'messaging.message.conversation_id': execution.id,
})

/** Why it did not do what was asked for, where it did not. */
function problemOf({ status, reasonCode }: Execution): string | undefined {
  return status === 'SUCCEEDED' || status === 'CANCELED' ? undefined : (reasonCode ?? status)
}

/** Ends a span, as failed where there is a problem. */
export function endSpan(span: SdkSpan, problem: string | undefined): void {
  if (problem) span.setAttribute('error.type', problem).setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

function linksTo(carrier: TraceContext): Link[] {
  const context = trace.getSpanContext(parentIn(carrier))
  return context ? [{ context }] : []
}
