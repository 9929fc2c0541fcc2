/** Trace contexts as they travel: W3C Trace Context, in headers and in the properties of messages. */
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  trace,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import type { TraceContext } from '../domain/ports.ts'

const propagator = new W3CTraceContextPropagator()

/** Where a new span belongs. What is absent or malformed begins a trace of its own. */
export const parentIn = (carrier: object | undefined): Context =>
  carrier ? propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter) : ROOT_CONTEXT

/** A span for whoever continues from it. */
export function carrierOf(span: Span): TraceContext {
  const carrier: Record<string, string> = {}
  propagator.inject(trace.setSpan(ROOT_CONTEXT, span), carrier, defaultTextMapSetter)
  return carrier
}
