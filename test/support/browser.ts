/** Chromium, where there is one: Debian's, or the one that CHROMIUM names. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATH = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']

/** Says so where there is none, and fails where the run requires one (CI does). */
export function isBrowserMissing(): boolean {
  if (existsSync(PATH)) return false
  if (process.env['REQUIRE_BROWSER']) throw new Error(`REQUIRE_BROWSER is set, and there is no browser at ${PATH}`)
  console.warn(`no browser at ${PATH}: the browser tests did not run`)
  return true
}

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: PATH, args: [...FLAGS, '--disable-component-update', '--disable-sync'] })
