import type { IncomingMessage, ServerResponse } from 'node:http'

/** The most bytes a request body may have, whichever door it comes to. */
export const MAX_BODY_BYTES = 256 * 1024

export type Body = { ok: true; bytes: Buffer } | { ok: false }

/** Reads a request body, counting: it gives up on one that is larger than it may be, whatever its Content-Length says. */
export async function readBody(req: IncomingMessage): Promise<Body> {
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return { ok: false }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > MAX_BODY_BYTES) return { ok: false }
    chunks.push(chunk)
  }
  return { ok: true, bytes: Buffer.concat(chunks) }
}

/** Answers with JSON and ends. */
export function sendJson(res: ServerResponse, status: number, body: unknown, contentType = 'application/json'): void {
  const text = JSON.stringify(body)
  res.writeHead(status, { 'content-type': `${contentType}; charset=utf-8`, 'content-length': Buffer.byteLength(text) })
  res.end(text)
}
