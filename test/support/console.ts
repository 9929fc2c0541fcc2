/** The console in a real browser, against a real service: under a strict policy, and over a wire that can be cut. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Config } from '../../src/base/config.ts'
import type { Backend } from './backend.ts'
import { launchBrowser } from './browser.ts'
import { startPolicyProxy } from './policy-proxy.ts'
import { startProxy, type Wire } from './proxy.ts'
import { type Service, startService } from './service.ts'

export interface ConsoleSetup {
  service: Service
  browser: Browser
  /** Between the browser and the service. */
  wire: Wire
  url: string
  /** What pages were refused, complained of or asked others for: nothing shall be here. */
  complaints: string[]
  open(path?: string, options?: BrowserContextOptions): Promise<Page>
  stop(): Promise<void>
}

/** A busy machine takes its time. */
export const PATIENCE = { timeout: 20_000, interval: 100 }

export async function setUpConsole(
  overrides: Partial<Config> & { replicas?: number; backend?: Backend } = {},
): Promise<ConsoleSetup> {
  const service = await startService(overrides)
  const policy = await startPolicyProxy(service.url)
  const wire = await startProxy(policy.url)
  const { origin: url } = new URL(wire.urlOf(policy.url))
  const browser = await launchBrowser()
  const complaints: string[] = []
  return {
    service,
    browser,
    wire,
    url,
    complaints,
    async open(path = '/', options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
      context.setDefaultTimeout(PATIENCE.timeout)
      const page = await context.newPage()
      page.on('pageerror', (error) => complaints.push(String(error.stack)))
      page.on('console', (message) => {
        // A cut wire and a refused key are told by the browser itself.
        if (/Content Security Policy|Warning:|Error:/.test(message.text())) complaints.push(message.text())
      })
      page.on('request', (request) => {
        if (request.url().startsWith('http') && !request.url().startsWith(url)) complaints.push(request.url())
      })
      await page.goto(`${url}${path}`)
      return page
    },
    async stop() {
      await browser.close()
      await wire.stop()
      await policy.stop()
      await service.stop()
    },
  }
}

export const rowOf = (page: Page, executionId: string): Locator => page.locator(`[data-execution="${executionId}"]`)

export const dialogOf = (page: Page): Locator => page.getByRole('dialog', { name: 'Send a command' })

/** By its key, once there is somebody to hear it. */
export async function openSend(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Send command' }).waitFor()
  await page.keyboard.press('c')
  await dialogOf(page).waitFor()
}

/** Writes into a field that offers what fits, and leaves it: while it offers, all else is out of reach. */
export async function fillCombo(page: Page, name: 'Thing' | 'Action', text: string): Promise<void> {
  const field = dialogOf(page).getByRole('combobox', { name })
  await field.fill(text)
  await field.press('Tab')
}

/** The ids of the rows that are shown, newest first. */
export const shownIds = (page: Page): Promise<(string | null)[]> =>
  page.locator('[data-execution]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-execution')))

export const untilLive = (page: Page): Promise<void> => page.locator('[data-link=live]').waitFor()

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Nothing that axe knows of is wrong with what is shown now. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE)
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } }
    return (await axe.run()).violations
  })
  const told = found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`),
  )
  expect(told).toEqual([])
}

interface AxeViolation {
  id: string
  nodes: { target: string[]; failureSummary?: string }[]
}
