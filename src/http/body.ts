import type { IncomingMessage, ServerResponse } from 'node:http'

/** The most bytes a request body may have, whichever door it comes to. */
export const MAX_BODY_BYTES = 256 * 1024

export type Body = { ok: true; bytes: Buffer } | { ok: false }

/** Reads a request body, counting: it gives up on one that is larger than it may be, whatever its Content-Length says. Rejects where the caller hangs up. */
export function readBody(req: IncomingMessage): Promise<Body> {
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return Promise.resolve({ ok: false })
  const chunks: Buffer[] = []
  let size = 0
  // Not `for await`, which takes several times as long for a body of one chunk.
  return new Promise((resolve, reject) => {
    req.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
      else resolve({ ok: false })
    })
    req.on('end', () => resolve({ ok: true, bytes: joinChunks(chunks) }))
    req.on('error', reject)
    req.on('close', () => {
      if (!req.complete) reject(new Error('the caller hung up in the middle of a request'))
    })
  })
}

const joinChunks = (chunks: Buffer[]): Buffer => {
  const [first, second] = chunks
  return first && !second ? first : Buffer.concat(chunks)
}

/** Answers with JSON and ends. */
export function sendJson(res: ServerResponse, status: number, body: unknown, contentType = 'application/json'): void {
  const text = JSON.stringify(body)
  res.writeHead(status, { 'content-type': `${contentType}; charset=utf-8`, 'content-length': Buffer.byteLength(text) })
  res.end(text)
}
