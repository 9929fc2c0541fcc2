import type { IncomingMessage, ServerResponse } from 'node:http'
import { SpanKind, type Tracer } from '@opentelemetry/api'
import { carrierOf, parentIn } from './carrier.ts'
import { endSpan } from './spans.ts'

/**
 * A span for each POST to one of these paths, as a part of the trace that the caller's `traceparent` names. Its own context
 * is left in the request, for the doors.
 */
export function createRequestTracer(tracer: Tracer, routes: readonly string[]) {
  return (req: IncomingMessage, res: ServerResponse): void => {
    const path = req.url?.split('?', 1)[0] ?? ''
    if (req.method !== 'POST' || !routes.includes(path)) return
    const attributes = { 'http.request.method': 'POST', 'http.route': path, 'url.path': path, 'url.scheme': 'http' }
    const span = tracer.startSpan(`POST ${path}`, { kind: SpanKind.SERVER, attributes }, parentIn(req.headers))
    Object.assign(req, { traceContext: carrierOf(span) })
    res.once('close', () => {
      if (res.writableFinished) span.setAttribute('http.response.status_code', res.statusCode)
      endSpan(span, problemOf(res))
    })
  }
}

/** What is the caller's own mistake is no error of a server's span (OpenTelemetry's conventions for HTTP). */
function problemOf({ writableFinished, statusCode }: ServerResponse): string | undefined {
  if (!writableFinished) return 'caller_gone'
  return statusCode >= 500 ? String(statusCode) : undefined
}
