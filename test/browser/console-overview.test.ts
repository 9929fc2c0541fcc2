/** The overview in a real browser, of executions that were settled over the last days. */
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backend, createBackend } from '../support/backend.ts'
import { isBrowserMissing } from '../support/browser.ts'
import { type ConsoleSetup, dialogOf, expectAccessible, PATIENCE, setUpConsole, shownIds } from '../support/console.ts'
import { uniqueName } from '../support/names.ts'
import { type StatsSeed, seedForStats } from '../support/stats.ts'
import { withStore } from '../support/store.ts'

const HOUR_MS = 3_600_000
const STATUSES = [
  'SUCCEEDED',
  'SUCCEEDED',
  'SUCCEEDED',
  'SUCCEEDED',
  'FAILED',
  'TIMED_OUT',
  'REJECTED',
  'CANCELED',
] as const

describe.skipIf(isBrowserMissing())('the overview', { timeout: 60_000 }, () => {
  let backend: Backend
  let setup: ConsoleSetup
  const thingId = uniqueName('boiler')
  const now = Date.now()
  /** In the middle of the hour before this one, so that it is in one bar. */
  const lastHour = Math.floor(now / HOUR_MS) * HOUR_MS - HOUR_MS / 2
  const seeds: StatsSeed[] = Array.from({ length: 160 }, (_, n) => {
    const status = STATUSES[n % STATUSES.length] ?? 'SENT'
    const action = status === 'FAILED' ? 'ignite' : 'setTemperature'
    const createdAt = new Date(n < 16 ? lastHour + n * 1_000 : now - (n - 10) * HOUR_MS)
    return { thingId, thingType: null, action, status, createdAt, tookMs: 40 + (n % 30) ** 2 }
  })

  beforeAll(async () => {
    backend = await createBackend()
    await withStore(backend, async (store) => void (await seedForStats(store, seeds)))
    setup = await setUpConsole({ backend, replicas: 1 })
  })

  afterAll(async () => {
    await setup?.stop()
    await backend?.dispose()
  })

  const countSince = (ms: number, status?: string) =>
    seeds.filter((seed) => seed.createdAt.getTime() >= ms && (!status || seed.status === status)).length

  it('shows how commands went, and leads from a part of a bar to its commands', async () => {
    const page = await setup.open('/commands')
    await page.getByRole('link', { name: 'Overview' }).click()
    const hour = 23 * HOUR_MS
    const from = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - hour
    await expect
      .poll(() => page.locator('[data-count=FAILED]').innerText(), PATIENCE)
      .toBe(String(countSince(from, 'FAILED')))
    expect(await page.getByRole('link', { name: '24 hours' }).getAttribute('aria-current')).toBe('page')

    const bar = barAt(page, lastHour)
    await bar.hover()
    await expect.poll(() => page.locator('[data-readout]').innerText(), PATIENCE).toContain('16 in all')
    await bar.locator('[data-segment=FAILED]').click()
    await expect.poll(async () => (await shownIds(page)).length, PATIENCE).toBe(2)
    const search = new URL(page.url()).searchParams
    const begin = Math.floor(lastHour / HOUR_MS) * HOUR_MS
    expect(Object.fromEntries(search)).toEqual({
      status: 'FAILED',
      from: new Date(begin).toISOString(),
      to: new Date(begin + HOUR_MS).toISOString(),
    })
    await page.context().close()
  })

  it('is one stop for the keyboard, and its arrows go along the bars', async () => {
    const page = await setup.open('/overview?range=24h')
    const bar = barAt(page, lastHour)
    await bar.waitFor()
    const stops = page.locator('a[data-bar][tabindex="0"]')
    expect(await stops.count()).toBe(1)
    // Whichever is the last one by now.
    await barAt(page, lastHour + HOUR_MS).focus()
    expect(await stops.count()).toBe(1)
    await page.keyboard.press('ArrowLeft')
    expect(await bar.evaluate((link) => link === document.activeElement)).toBe(true)
    expect(await bar.getAttribute('aria-label')).toMatch(
      /: 8 succeeded, 2 canceled, 2 rejected, 2 timed out, 2 failed$/,
    )
    await page.keyboard.press('Enter')
    await expect.poll(async () => (await shownIds(page)).length, PATIENCE).toBe(16)
    await page.context().close()
  })

  it('says the same in tables, and names what fails most often', async () => {
    const page = await setup.open('/overview?range=7d')
    const chart = page.getByRole('region', { name: 'Commands over time', exact: true })
    await chart.getByText('As a table').click()
    const total = await sumOf(chart.getByRole('row'), 1)
    const from = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - (7 * 24 - 1) * HOUR_MS
    expect(total).toBe(countSince(from))
    const trips = page.getByRole('region', { name: 'Round trip', exact: true })
    await trips.getByText('As a table').click()
    await trips.getByRole('columnheader', { name: 'p99' }).waitFor()

    const failed = countSince(from, 'FAILED')
    const worst = page.getByRole('table', { name: 'Actions with most failures' })
    await worst.getByRole('row', { name: new RegExp(`^ignite ${failed} 0 100 %`) }).waitFor()
    await page.getByRole('table', { name: 'Things with most failures' }).getByRole('link', { name: thingId }).click()
    await expect
      .poll(() => new URL(page.url()).search, PATIENCE)
      .toContain(`thing=${thingId}&status=FAILED&status=TIMED_OUT`)
    await expect.poll(async () => (await shownIds(page)).length, PATIENCE).toBe(failed + countSince(from, 'TIMED_OUT'))
    await page.context().close()
  })

  it('has the time in the address, and asks once for each', async () => {
    const page = await setup.open('/overview?range=nonsense')
    let asked = 0
    page.on('request', (request) => {
      if (request.postData()?.includes('query Overview')) asked += 1
    })
    await page.locator('[data-bar]').first().waitFor()
    const before = asked
    await page.getByRole('link', { name: '30 days' }).click()
    await expect.poll(() => page.locator('[data-bar]').count(), PATIENCE).toBe(30)
    expect(new URL(page.url()).search).toBe('?range=30d')
    await page.goBack()
    await expect.poll(() => page.locator('[data-bar]').count(), PATIENCE).toBe(24)
    expect(asked - before).toBe(2)
    await page.context().close()
  })

  it('counts again by itself while somebody looks, and offers to send where there is nothing', async () => {
    const page = await setup.open('/overview?range=1h')
    const empty = page.getByText('No command was sent in the last hour.')
    const hasSome = countSince(Math.floor(Date.now() / 60_000) * 60_000 - 59 * 60_000) > 0
    if (!hasSome) {
      await empty.waitFor()
      await expectAccessible(page)
      await page.getByRole('main').getByRole('button', { name: 'Send a command' }).click()
      await dialogOf(page).waitFor()
      await page.keyboard.press('Escape')
    }
    await setup.service.registerThing(thingId)
    await setup.service.send({ thingId, ttl: 600 })
    await expect.poll(() => page.locator('[data-count=SENT]').innerText(), PATIENCE).toBe('1')
    await page.context().close()
  })

  it('says so when its numbers are old, and when they are not any more', async () => {
    const page = await setup.open('/overview')
    await page.locator('[data-bar]').first().waitFor()
    await setup.wire.cut()
    // As often as it asks by itself would take a while; so does coming back to the tab.
    await page.evaluate(() => dispatchEvent(new Event('online')))
    await page.getByText('These numbers are old.').waitFor()
    expect(await page.locator('[data-bar]').count()).toBe(24)
    await expectAccessible(page)
    await setup.wire.restore()
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('These numbers are old.').waitFor({ state: 'detached' })
    await page.context().close()
  })

  it.each([
    { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'light', viewport: { width: 390, height: 844 } },
    { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  ] as const)('is accessible: $colorScheme at $viewport.width px', async (options) => {
    const page = await setup.open('/overview', options)
    await page.locator('[data-bar]').first().waitFor()
    await page.getByText('As a table').first().click()
    await expectAccessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    await page.context().close()
  })

  it('asks nobody else for anything, and needs nothing that a strict policy refuses', () => {
    expect(setup.complaints).toEqual([])
  })
})

/** The bar of the hour that this instant is in. */
const barAt = (page: Page, at: number): Locator =>
  page.locator(`[data-bar="${new Date(Math.floor(at / HOUR_MS) * HOUR_MS).toISOString()}"]`)

/** Of a column of a table, without its head. */
async function sumOf(rows: Locator, column: number): Promise<number> {
  const texts = await rows.evaluateAll((all, n) => all.map((row) => row.children[n]?.textContent ?? ''), column)
  return texts.slice(1).reduce((sum, text) => sum + Number(text), 0)
}
