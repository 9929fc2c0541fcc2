/** The pages of things in a real browser, and the devices whose code they show. */
import { spawn, spawnSync } from 'node:child_process'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { isBrowserMissing } from '../support/browser.ts'
import { type ConsoleSetup, dialogOf, expectAccessible, PATIENCE, rowOf, setUpConsole } from '../support/console.ts'
import { startTestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { defineType, updateThing } from '../support/registry.ts'
import { presenceOf } from '../support/things.ts'

const thingRow = (page: Page, id: string): Locator => page.locator(`[data-thing="${id}"]`)

const shownThings = (page: Page): Promise<(string | null)[]> =>
  page.locator('[data-thing]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-thing')))

const PLACEHOLDER = 'THE-SECRET-OF-THIS-THING'

describe.skipIf(isBrowserMissing())('the pages of things', { timeout: 60_000 }, () => {
  let setup: ConsoleSetup
  const type = uniqueName('com.example.lamp')
  const fleet = uniqueName('fleet')
  const many = Array.from({ length: 110 }, (_, n) => `${fleet}-${String(n).padStart(3, '0')}`)

  beforeAll(async () => {
    setup = await setUpConsole()
    await defineType(setup.service, { name: type, commands: [{ name: 'switch', description: 'On or off.' }] })
    await Promise.all(many.map((id) => setup.service.registerThing(id, { tags: [fleet] })))
  })

  afterAll(() => setup?.stop())

  it('registers a thing, says at the field what is wrong, and opens its page', async () => {
    const thingId = uniqueName('a.b:c')
    const page = await setup.open('/things')
    await page
      .getByRole('button', { name: /^Register/ })
      .first()
      .click()
    const dialog = page.getByRole('dialog', { name: 'Register a thing' })
    const id = dialog.getByLabel('Thing ID')
    await id.fill('not an id')
    await dialog.getByText('Expected 1 to 128 characters').waitFor()
    await id.fill(many[0] ?? '')
    await dialog.getByRole('button', { name: 'Register' }).click()
    await dialog.getByText(`A thing ${many[0]} is registered already.`).waitFor()
    expect(await id.getAttribute('aria-invalid')).toBe('true')
    await expectAccessible(page)
    await id.fill(thingId)
    const typeField = dialog.getByRole('combobox', { name: 'Thing Type' })
    await typeField.fill(`${type}.none`)
    await typeField.press('Tab')
    await dialog.getByRole('button', { name: 'Register' }).click()
    await dialog.getByText('There is no Thing Type').waitFor()
    await typeField.fill(type)
    await typeField.press('Tab')
    await dialog.getByLabel('Tags').fill('ground floor')
    await dialog.getByLabel('Tags').press('Enter')
    await dialog.getByRole('button', { name: 'Register' }).click()
    await page.getByRole('heading', { name: thingId }).waitFor()
    expect(new URL(page.url()).pathname).toBe(`/things/${encodeURIComponent(thingId)}`)
    for (const text of [type, 'ground floor']) await page.getByText(text).first().waitFor()
    // Its address is a page of the service, too.
    await page.reload()
    await page.getByRole('heading', { name: thingId }).waitFor()
    await page.context().close()
  })

  it('finds things as one types, and keeps the filter in the address', async () => {
    const page = await setup.open('/things')
    let asked = 0
    page.on('request', (request) => {
      if (request.postData()?.includes('query ThingList')) asked += 1
    })
    const [wanted = ''] = many.slice(-1)
    await page.getByRole('searchbox').pressSequentially(wanted, { delay: 5 })
    await expect.poll(() => shownThings(page), PATIENCE).toEqual([wanted])
    await expect.poll(() => new URL(page.url()).search, PATIENCE).toBe(`?prefix=${wanted}`)
    // Not one for each letter, and none without end.
    expect(asked).toBeLessThan(8)
    await page.getByRole('combobox', { name: 'Type' }).fill(type)
    await page.keyboard.press('Enter')
    await page.getByText('No thing matches this filter.').waitFor()
    await page.getByRole('button', { name: 'Clear', exact: true }).click()
    await expect.poll(() => page.getByRole('searchbox').inputValue(), PATIENCE).toBe('')
    await page.goto(`${setup.url}/things?prefix=${fleet}-00&tag=${fleet}`)
    await expect.poll(() => shownThings(page), PATIENCE).toEqual(many.slice(0, 10))
    expect(await page.getByRole('searchbox').inputValue()).toBe(`${fleet}-00`)
    await page.context().close()
  })

  it('goes through all things page by page, and back', async () => {
    const page = await setup.open(`/things?prefix=${fleet}`)
    const turn = async (name: string, expected: string[]) => {
      await page.getByRole('button', { name, exact: true }).click()
      await expect.poll(() => shownThings(page), PATIENCE).toEqual(expected)
    }
    await expect.poll(() => shownThings(page), PATIENCE).toEqual(many.slice(0, 50))
    await turn('Next', many.slice(50, 100))
    await turn('Next', many.slice(100))
    expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true)
    await turn('Previous', many.slice(50, 100))
    await turn('Last', many.slice(60))
    await turn('Previous', many.slice(10, 60))
    await turn('First', many.slice(0, 50))
    await page.context().close()
  })

  it('shows who comes and goes while one looks, in the list and on the page of a thing', async (test) => {
    const thingId = uniqueName('comer')
    await setup.service.registerThing(thingId)
    const list = await setup.open(`/things?prefix=${thingId}`)
    const page = await setup.open(`/things/${thingId}`)
    const inList = thingRow(list, thingId).locator('[data-presence]')
    const onPage = page.getByRole('article').locator('[data-presence]').first()
    await expect.poll(() => inList.innerText(), PATIENCE).toBe('unknown')
    await expect.poll(() => onPage.innerText(), PATIENCE).toBe('presence not known')
    const device = await startTestDevice(setup.service.mqttUrl, thingId)
    if (setup.service.config.mqttUrl && (await presenceOf(setup.service, thingId)).online === null) {
      await device.stop()
      return test.skip('this broker does not tell who is there')
    }
    for (const shown of [inList, onPage]) await expect.poll(() => shown.innerText(), PATIENCE).toBe('online')
    await device.stop()
    for (const shown of [inList, onPage]) await expect.poll(() => shown.innerText(), PATIENCE).toBe('offline')
    await setup.wire.cut()
    await list.getByText('The connection to the service is broken.').waitFor()
    const again = await startTestDevice(setup.service.mqttUrl, thingId)
    await setup.wire.restore()
    for (const shown of [inList, onPage]) await expect.poll(() => shown.innerText(), PATIENCE).toBe('online')
    await again.stop()
    await list.context().close()
    await page.context().close()
  })

  it('shows what was sent to it, sends to it, is changed, and ends', async () => {
    const thingId = uniqueName('lamp')
    // A type of its own: the list of its things is to hold this one and no other.
    const type = uniqueName('com.example.lone')
    await defineType(setup.service, { name: type, commands: [{ name: 'switch' }] })
    await setup.service.registerThing(thingId)
    const device = await startTestDevice(setup.service.mqttUrl, thingId)
    const page = await setup.open(`/things/${thingId}`)
    await page.getByText('Nothing yet.').waitFor()
    await page.getByRole('article').getByRole('button', { name: 'Send command' }).click()
    expect(await dialogOf(page).getByRole('combobox', { name: 'Thing' }).inputValue()).toBe(thingId)
    await page.keyboard.press('Escape')
    const { execution } = await setup.service.send({ thingId, action: 'shine', ttl: 60 })
    const row = rowOf(page, execution?.id ?? '')
    await expect.poll(() => row.innerText(), PATIENCE).toMatch(/shine\s+Sent/)
    await device.respond(execution?.id ?? '', { status: 'FAILED', reason: { code: 'BROKEN_BULB' } })
    await expect.poll(() => row.innerText(), PATIENCE).toMatch(/Failed\s*BROKEN_BULB/)

    await page.getByRole('button', { name: 'Edit' }).click()
    const dialog = page.getByRole('dialog', { name: `Edit ${thingId}` })
    await dialog.getByRole('combobox', { name: 'Thing Type' }).fill(type)
    await dialog.getByRole('combobox', { name: 'Thing Type' }).press('Tab')
    await dialog.getByLabel('Client ID').fill(many[0] ?? '')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText(`Another thing has the clientId ${many[0]}.`).waitFor()
    await dialog.getByLabel('Client ID').fill('')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText(`${type} 1.0.0`).waitFor()
    // What others change appears by itself.
    await updateThing(setup.service, { id: thingId, tags: ['attic'] })
    await page.getByText('attic').waitFor()
    await page.getByRole('link', { name: type }).click()
    await page.getByRole('link', { name: 'Its things' }).click()
    await expect.poll(() => shownThings(page), PATIENCE).toEqual([thingId])
    await page.getByRole('link', { name: thingId }).click()

    await row.getByRole('link', { name: 'shine' }).click()
    await page.getByRole('heading', { name: 'What happened' }).waitFor()
    await page.getByRole('link', { name: thingId }).click()
    await page.getByRole('button', { name: 'Deregister' }).click()
    await page.getByText('What was sent to it stays.').waitFor()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByRole('button', { name: 'Deregister' }).click()
    const watcher = await setup.open(`/things/${thingId}`)
    await watcher.getByRole('heading', { name: thingId }).waitFor()
    await page.getByRole('button', { name: 'Deregister it' }).click()
    await page.getByRole('heading', { name: 'Things' }).waitFor()
    await watcher.getByText('No thing is registered under this ID.').waitFor()
    await watcher.getByRole('link', { name: 'What was sent to it' }).click()
    await rowOf(watcher, execution?.id ?? '').waitFor()
    await device.stop()
    await page.context().close()
    await watcher.context().close()
  })

  it('issues secrets, each shown once', async () => {
    const thingId = uniqueName('safe')
    const page = await setup.open('/things', { permissions: ['clipboard-read', 'clipboard-write'] })
    await page
      .getByRole('button', { name: /^Register/ })
      .first()
      .click()
    const dialog = page.getByRole('dialog', { name: 'Register a thing' })
    await dialog.getByLabel('Thing ID').fill(thingId)
    await dialog.getByLabel('Issue a secret').check()
    await dialog.getByRole('button', { name: 'Register' }).click()
    const secretText = page.locator('[data-secret]')
    const first = await secretText.innerText()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').getByRole('button', { name: 'Copy' }).click()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(first)
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Open the thing' }).click()
    await page.getByText(PLACEHOLDER).first().waitFor()
    expect(await page.content()).not.toContain(first)
    await page.getByRole('button', { name: 'New secret' }).click()
    await page.getByRole('button', { name: 'Issue it' }).click()
    const second = await secretText.innerText()
    expect(second).not.toBe(first)
    await page.getByRole('button', { name: 'Done' }).click()
    expect(await page.content()).not.toContain(second)
    await page.context().close()
  })

  const python = ['python3', '/usr/bin/python3'].find(
    (command) => spawnSync(command, ['-c', 'import paho.mqtt.client'], { stdio: 'ignore' }).status === 0,
  )
  const isThere = (command: string) => spawnSync(command, ['--help'], { stdio: 'ignore' }).error === undefined
  const programs = [
    { name: 'mosquitto', command: 'sh', args: ['-c'], isThere: isThere('mosquitto_sub') },
    { name: 'JavaScript', command: process.execPath, args: ['--input-type=module', '-e'], isThere: true },
    { name: 'Python', command: python ?? '', args: ['-u', '-c'], isThere: python !== undefined },
  ]

  it.each(programs)('shows a $name device that answers as it stands', async ({ name, command, args, ...program }) => {
    if (!program.isThere) return console.warn(`${name} is not installed: its code was not run`)
    const thingId = uniqueName('new')
    await setup.service.registerThing(thingId)
    const page = await setup.open(`/things/${thingId}`)
    await page.getByRole('button', { name, exact: true }).click()
    const code = await page
      .getByRole('region', { name: `A device with ${name}` })
      .locator('pre')
      .innerText()
    runProgram(command, [...args, code])
    const first = await answerOf(setup, thingId)
    const second = await answerOf(setup, thingId)
    expect([first, second]).toEqual(['SUCCEEDED', 'SUCCEEDED'])
    await page.getByText('Succeeded').nth(1).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Connect a device' }).waitFor()
    // It has answered: it needs no telling how.
    expect(await page.getByRole('button', { name, exact: true }).isVisible()).toBe(false)
    await page.context().close()
  })

  it.each([
    { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'light', viewport: { width: 390, height: 844 } },
    { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  ] as const)('is accessible: $colorScheme at $viewport.width px', async (options) => {
    const page = await setup.open(`/things?prefix=${fleet}-00`, options)
    const fits = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    await thingRow(page, many[0] ?? '').waitFor()
    await expectAccessible(page)
    expect(await fits()).toBeLessThanOrEqual(0)
    await page.locator('[data-row]').first().click()
    await page.getByRole('region', { name: 'A device with mosquitto' }).waitFor()
    await page.getByText('Nothing yet.').waitFor()
    await expectAccessible(page)
    expect(await fits()).toBeLessThanOrEqual(0)
    await page.context().close()
  })

  it('asks nobody else for anything, and needs nothing that a strict policy refuses', () => {
    expect(setup.complaints).toEqual([])
  })
})

describe.skipIf(isBrowserMissing())('the pages of things for who may not manage them', { timeout: 60_000 }, () => {
  it('are there, and offer nothing that a viewer may not do', async () => {
    const setup = await setUpConsole()
    const thingId = uniqueName('seen')
    await setup.service.registerThing(thingId)
    const viewer = await createKey(setup, 'VIEWER')
    const page = await setup.open(`/things?prefix=${thingId}`)
    await page.getByLabel('Key id').fill(viewer.id)
    await page.getByLabel('Secret').fill(viewer.secret)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await thingRow(page, thingId).getByRole('link', { name: thingId }).click()
    await page.getByRole('region', { name: 'A device with mosquitto' }).waitFor()
    const offered = await page.getByRole('article').getByRole('button').allInnerTexts()
    expect(offered.map((text) => text.trim())).toEqual(['', 'mosquitto', 'JavaScript', 'Python', 'Copy'])
    await page.getByRole('link', { name: 'Things' }).first().click()
    await page.getByRole('searchbox').waitFor()
    expect(await page.getByRole('button', { name: /register/i }).count()).toBe(0)
    expect(setup.complaints).toEqual([])
    await setup.stop()
  })
})

/** From then on nobody is anonymous. */
async function createKey({ service }: ConsoleSetup, role: string): Promise<{ id: string; secret: string }> {
  const { createApiKey } = await service.query<{ createApiKey: { apiKey: { id: string }; secret: string } }>(
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } secret } }',
    { input: { name: role, role } },
  )
  return { id: createApiKey.apiKey.id, secret: createApiKey.secret }
}

/** Until the end of the test. */
function runProgram(command: string, args: string[]): void {
  const child = spawn(command, args, { stdio: 'ignore', detached: true })
  // The shell has children of its own.
  onTestFinished(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
}

/** What a device says that may not be there yet: asked again until it is. */
async function answerOf({ service }: ConsoleSetup, thingId: string): Promise<string | undefined> {
  let status: string | undefined
  await expect
    .poll(async () => {
      const { execution } = await service.send({ thingId, params: { value: 1 }, ttl: 3, wait: true })
      status = execution?.status
      return status
    }, PATIENCE)
    .toBe('SUCCEEDED')
  return status
}
