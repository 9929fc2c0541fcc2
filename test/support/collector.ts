/** A collector of traces: OTLP over HTTP, as JSON. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { vi } from 'vitest'

export interface CollectedSpan {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  traceState: string | undefined
  attributes: Record<string, unknown>
  /** That of the process. */
  resource: Record<string, unknown>
  links: { traceId: string; spanId: string }[]
  failed: boolean
}

export interface Collector {
  /** What OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is to be. */
  url: string
  spans: CollectedSpan[]
  /** Waits until there is such a span. */
  find(name: string, fits?: (span: CollectedSpan) => boolean): Promise<CollectedSpan>
  stop(): Promise<void>
}

type Attribute = { key: string; value: Record<string, unknown> }
type RawSpan = Omit<CollectedSpan, 'attributes' | 'resource' | 'links' | 'failed'> & {
  attributes: Attribute[]
  links?: CollectedSpan['links']
  status: { code: number }
}
interface Body {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: RawSpan[] }[] }[]
}

const FAILED = 2

/** `isSilent`: it takes what it is sent, and never answers. */
export async function startCollector({ isSilent = false } = {}): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const server = createServer(async (req, res) => {
    spans.push(...readSpans(await readBody(req)))
    if (!isSilent) res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    find: (name, fits = () => true) =>
      vi.waitFor(
        () => {
          const found = spans.find((span) => span.name === name && fits(span))
          if (!found) throw new Error(`no such span ${name} among ${JSON.stringify(spans)}`)
          return found
        },
        { timeout: 10_000, interval: 20 },
      ),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function readBody(req: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as Body
}

const readSpans = ({ resourceSpans }: Body): CollectedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ status, links = [], attributes, ...span }) => ({
        ...span,
        attributes: readAttributes(attributes),
        resource: readAttributes(resource.attributes),
        links: links.map(({ traceId, spanId }) => ({ traceId, spanId })),
        failed: status.code === FAILED,
      })),
    ),
  )

const readAttributes = (attributes: Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
