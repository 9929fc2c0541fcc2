/** Traces over OTLP/HTTP, by the official SDK of OpenTelemetry. Loaded only where tracing is configured. */
import { setTimeout as delay } from 'node:timers/promises'
import { ExportResultCode } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Logger } from '../base/log.ts'
import type { Tracing } from '../domain/ports.ts'
import { createRequestTracer } from './requests.ts'
import { createTracing } from './spans.ts'

export interface TracingService {
  tracing: Tracing
  /** Begins the span of a request over HTTP; it ends with the answer. */
  traceRequest: ReturnType<typeof createRequestTracer>
  /** Sends what is left, for 2 s at most. */
  stop(): Promise<void>
}

export interface TracingOptions {
  /** Where spans are posted to. */
  url: string
  /** Names this replica. */
  instance: string
  /** The paths whose POSTs are traced. */
  routes: readonly string[]
  log: Logger
}

const STOP_TIMEOUT_MS = 2_000

/**
 * Spans are kept in a bounded queue and sent in batches, beside the work: what the collector does not take in time is dropped.
 * Sampler, sizes, headers and the service's name are what the SDK reads in the `OTEL_…` variables.
 */
export function startTracing({ url, instance, routes, log }: TracingOptions): TracingService {
  const exporter = telling(log, new OTLPTraceExporter({ url }))
  const provider = new BasicTracerProvider({
    resource: describeService(instance),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  const tracer = provider.getTracer('fleet-commands')
  const stop = async () => {
    // That it failed has been told by the exporter.
    const stopped = provider.shutdown().catch(() => {})
    const waiting = new AbortController()
    await Promise.race([stopped, delay(STOP_TIMEOUT_MS, undefined, waiting).catch(() => {})])
    waiting.abort()
  }
  return { tracing: createTracing(tracer), traceRequest: createRequestTracer(tracer, routes), stop }
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word. */
const describeService = (instance: string) =>
  defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'fleet-commands', 'service.instance.id': instance }))
    .merge(detectResources({ detectors: [envDetector] }))

/** Logs once that spans cannot be sent, and once that they can be again: the SDK itself is silent. */
function telling(log: Logger, exporter: SpanExporter): SpanExporter {
  let isFailing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS
        if (failed && !isFailing) log.warn({ why: result.error?.message }, 'traces cannot be sent; they are dropped')
        if (!failed && isFailing) log.info('traces are sent again')
        isFailing = failed
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
  }
}
