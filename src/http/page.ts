/** Pages for browsers, each with a policy that lets it do what it must, and nothing else. */
import { createHash } from 'node:crypto'
import type { Handler } from 'hono'
import { CONTENT_POLICY_HEADER } from '../base/answer-headers.ts'

const INLINE_SCRIPT = /<script>([\s\S]*?)<\/script>/g
/** The editor writes its styles into the page. */
const INLINE_STYLES = "'unsafe-inline'"
/** What may stand in a policy: the Host header is the caller's. */
const HOST = /^[A-Za-z0-9.:[\]-]{1,255}$/

/** A page that is the same for everybody. */
export function createPage(load: () => Promise<string>): Handler {
  let scripts: string | undefined
  return async (c) => {
    const html = await load()
    scripts ??= hashScripts(html)
    return c.html(html, 200, { [CONTENT_POLICY_HEADER]: policyOf(scripts, INLINE_STYLES, c.req.header('host')) })
  }
}

/** The scripts in the page, and no other that somebody might get into it. */
const hashScripts = (html: string): string =>
  Array.from(
    html.matchAll(INLINE_SCRIPT),
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  ).join(' ')

/** `scripts` and `styles`: what is allowed beside the files of this service. */
export function policyOf(scripts: string, styles: string, host: string | undefined): string {
  // Not every browser takes 'self' for sockets, too.
  const sockets = host && HOST.test(host) ? ` ws://${host} wss://${host}` : ''
  return [
    "default-src 'none'",
    `script-src 'self' ${scripts}`.trimEnd(),
    `style-src 'self' ${styles}`.trimEnd(),
    `connect-src 'self'${sockets}`,
    "img-src 'self' data:",
    "font-src 'self' data:",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
