/** What every answer carries, whoever writes it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSecure } from './client-address.ts'
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts'

export const ALLOW_ORIGIN_HEADER = 'access-control-allow-origin'
export const CONTENT_POLICY_HEADER = 'content-security-policy'

/** For an answer to a page of another origin, which may read it (CORS_ORIGINS). */
const FOR_OTHER_ORIGINS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  // An answer that is shown as a page does nothing. Pages have a policy of their own (http/page.ts).
  [CONTENT_POLICY_HEADER]: "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

const FOR_OURS = { ...FOR_OTHER_ORIGINS, 'cross-origin-resource-policy': 'same-origin' }

/** Whoever came with TLS comes with it for a year (RFC 6797). */
const WITH_TLS = { 'strict-transport-security': 'max-age=31536000' }
const FOR_OTHER_ORIGINS_WITH_TLS = { ...FOR_OTHER_ORIGINS, ...WITH_TLS }
const FOR_OURS_WITH_TLS = { ...FOR_OURS, ...WITH_TLS }

/** Of an answer, once it is known which origin may read it. */
export function securityHeaders(req: IncomingMessage, res: ServerResponse): Readonly<Record<string, string>> {
  if (isSecure(req)) return res.hasHeader(ALLOW_ORIGIN_HEADER) ? FOR_OTHER_ORIGINS_WITH_TLS : FOR_OURS_WITH_TLS
  return res.hasHeader(ALLOW_ORIGIN_HEADER) ? FOR_OTHER_ORIGINS : FOR_OURS
}

/** Has an answer carry them, and the request's id. Where one writes the head himself, it costs less to put them there. */
export function prepareAnswer(req: IncomingMessage, res: ServerResponse): void {
  if (res.headersSent) return
  for (const [name, value] of Object.entries(securityHeaders(req, res))) res.setHeader(name, value)
  const id = requestIdOf(req)
  if (id !== undefined) res.setHeader(REQUEST_ID_HEADER, id)
}
