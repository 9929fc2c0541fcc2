/** The console's flows in a real browser, with real devices. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isBrowserMissing } from '../support/browser.ts'
import {
  type ConsoleSetup,
  dialogOf,
  expectAccessible,
  fillCombo,
  openSend,
  PATIENCE,
  rowOf,
  setUpConsole,
  shownIds,
  untilLive,
} from '../support/console.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { defineType } from '../support/registry.ts'

const PARAMS_SCHEMA = {
  type: 'object',
  properties: {
    value: { type: 'number', minimum: 5, maximum: 35, description: 'The target.' },
    mode: { enum: ['eco', 'comfort'], default: 'eco' },
    mail: { type: 'string', format: 'email' },
    schedule: {
      type: 'array',
      items: { type: 'object', properties: { from: { type: 'string' }, on: { type: 'boolean' } }, required: ['from'] },
    },
  },
  required: ['value'],
  additionalProperties: false,
}

describe.skipIf(isBrowserMissing())('the console', { timeout: 60_000 }, () => {
  let setup: ConsoleSetup
  let device: TestDevice
  let silent: TestDevice
  const type = uniqueName('com.example.oven')
  const thingId = uniqueName('oven')
  const silentId = uniqueName('quiet')

  beforeAll(async () => {
    setup = await setUpConsole()
    const { service } = setup
    await defineType(service, {
      name: type,
      commands: [
        { name: 'setTemperature', description: 'Sets the target, in °C.', paramsSchema: PARAMS_SCHEMA, defaultTtl: 20 },
        { name: 'reboot', description: 'Restarts it.' },
      ],
    })
    await service.registerThing(thingId, { thingType: type })
    await service.registerThing(silentId)
    device = await startTestDevice(service.mqttUrl, thingId, {
      answer: ({ params }) => ({ status: 'SUCCEEDED', result: { done: params } }),
    })
    silent = await startTestDevice(service.mqttUrl, silentId)
  })

  afterAll(async () => {
    await device?.stop()
    await silent?.stop()
    await setup?.stop()
  })

  const send = async (input: { thingId?: string; action?: string; ttl?: number } = {}) => {
    const { execution } = await setup.service.send({ thingId, ...input })
    if (!execution) throw new Error('nothing was sent')
    return execution.id
  }

  it('sends the first command by keyboard alone, and shows it settle', async () => {
    const page = await setup.open()
    await page.getByText('No command was sent yet.').waitFor()
    await openSend(page)
    await page.keyboard.type(thingId.slice(0, -3))
    await page.getByRole('option', { name: thingId }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await dialogOf(page).getByText(type).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.type('set')
    await page.getByRole('option', { name: 'Sets the target' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await dialogOf(page).getByLabel('value').focus()
    await page.keyboard.type('21.5')
    await page.keyboard.press('Control+Enter')
    await dialogOf(page).locator('[data-outcome=SUCCEEDED]').waitFor()
    expect(await dialogOf(page).innerText()).toContain('21.5')
    const [id] = await shownIds(page)
    const { params, ttl } = await setup.service.execution(id ?? '')
    // Defaults of the schema and of the command.
    expect({ params, ttl }).toEqual({ params: { value: 21.5, mode: 'eco' }, ttl: 20 })
    await page.keyboard.press('Enter')
    await dialogOf(page).waitFor({ state: 'detached' })
    await expect.poll(() => rowOf(page, id ?? '').innerText(), PATIENCE).toContain('Succeeded')
    await page.context().close()
  })

  it('sends once, however often somebody clicks', async () => {
    const page = await setup.open('/commands')
    await openSend(page)
    await fillCombo(page, 'Thing', silentId)
    await dialogOf(page).getByRole('textbox', { name: 'Action' }).fill('once')
    await dialogOf(page)
      .getByRole('button', { name: 'Send', exact: true })
      .evaluate((button: HTMLButtonElement) => {
        button.click()
        button.click()
        button.form?.requestSubmit()
      })
    await dialogOf(page).locator('[data-outcome=SENT]').waitFor()
    // What is sent after it comes after it.
    await send({ thingId: silentId, action: 'after' })
    expect((await silent.nextRequest()).action).toBe('once')
    expect((await silent.nextRequest()).action).toBe('after')
    await page.context().close()
  })

  it('tells what is wrong at the field: what it sees itself, and what only the service knows', async () => {
    const page = await setup.open('/commands')
    await openSend(page)
    const dialog = dialogOf(page)
    await fillCombo(page, 'Thing', thingId)
    await dialog.getByText(type).waitFor()
    await fillCombo(page, 'Action', 'setTemperature')
    const value = dialog.getByLabel('value')
    await value.fill('99')
    await dialog.getByText('Expected at most 35.').waitFor()
    expect(await value.getAttribute('aria-invalid')).toBe('true')
    await value.fill('20')
    const mail = dialog.getByLabel('mail')
    await mail.fill('nobody')
    await dialog.getByRole('button', { name: 'Send', exact: true }).click()
    await expect.poll(() => mail.getAttribute('aria-invalid'), PATIENCE).toBe('true')
    const told = await mail.evaluate((input) =>
      (input.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent),
    )
    expect(told.join(' ')).toMatch(/email/)
    await expectAccessible(page)
    await page.context().close()
  })

  it('keeps the form and the JSON of params in step', async () => {
    const page = await setup.open('/commands')
    await openSend(page)
    const dialog = dialogOf(page)
    await fillCombo(page, 'Thing', thingId)
    await dialog.getByText(type).waitFor()
    await fillCombo(page, 'Action', 'setTemperature')
    await dialog.getByLabel('value').fill('20')
    await dialog.getByRole('button', { name: 'Add to schedule' }).click()
    await dialog.getByLabel('from').fill('08:00')
    await dialog.getByRole('combobox', { name: /^on/ }).selectOption({ label: 'yes (true)' })
    await dialog.getByRole('button', { name: 'JSON' }).click()
    const json = dialog.getByRole('textbox', { name: 'JSON' })
    const params = { value: 20, mode: 'eco', schedule: [{ from: '08:00', on: true }] }
    expect(JSON.parse(await json.inputValue())).toEqual(params)
    await json.fill('{ "value": 31')
    expect(await dialog.getByRole('button', { name: 'Form' }).isDisabled()).toBe(true)
    await json.fill('{ "value": 31, "schedule": [{ "from": "09:00" }] }')
    await dialog.getByRole('button', { name: 'Form' }).click()
    expect(await dialog.getByLabel('value').inputValue()).toBe('31')
    expect(await dialog.getByLabel('from').inputValue()).toBe('09:00')
    await dialog.getByRole('button', { name: 'Remove schedule 1' }).click()
    await dialog.getByRole('button', { name: 'Send', exact: true }).click()
    await dialog.locator('[data-outcome=SUCCEEDED]').waitFor()
    expect(device.requests.at(-1)?.params).toEqual({ value: 31 })
    await page.context().close()
  })

  it('shows what others send as it happens, and lets it wait for who reads further down', async () => {
    const page = await setup.open('/commands')
    await untilLive(page)
    const first = await send({ thingId: silentId, ttl: 60 })
    await expect.poll(() => rowOf(page, first).innerText(), PATIENCE).toContain('Sent')
    await silent.respond(first, { status: 'FAILED', reason: { code: 'JAMMED' } })
    await expect.poll(() => rowOf(page, first).innerText(), PATIENCE).toMatch(/Failed\s+JAMMED/)

    for (let n = 0; n < 40; n += 1) await send()
    // What has not come yet would wait, too.
    await rowOf(page, await send()).waitFor()
    await expect.poll(async () => (await shownIds(page)).length, PATIENCE).toBeGreaterThan(40)
    await page.mouse.wheel(0, 600)
    await expect.poll(() => page.evaluate(() => scrollY), PATIENCE).toBeGreaterThan(300)
    const before = await shownIds(page)
    const place = await page.locator('[data-execution]').nth(20).boundingBox()
    const latest = [await send(), await send(), await send()]
    await page.getByRole('button', { name: '3 new' }).waitFor()
    expect(await shownIds(page)).toEqual(before)
    expect(await page.locator('[data-execution]').nth(20).boundingBox()).toEqual(place)
    await page.keyboard.press('n')
    await expect.poll(async () => (await shownIds(page)).slice(0, 3), PATIENCE).toEqual(latest.toReversed())
    expect(await page.evaluate(() => scrollY)).toBe(0)
    await page.context().close()
  })

  it('shows the same in two browsers', async () => {
    const id = await send({ thingId: silentId, ttl: 60 })
    const [one, two] = [await setup.open(`/executions/${id}`), await setup.open(`/executions/${id}`)]
    for (const page of [one, two]) await page.getByText('There is no answer yet.').waitFor()
    await silent.respond(id, { status: 'SUCCEEDED', result: { seen: 'by both' } })
    for (const page of [one, two]) {
      await page.getByText(`${silentId} says that it did it.`).waitFor()
      await page.getByText('"by both"').waitFor()
      await page.context().close()
    }
  })

  it('says when its socket is broken, comes back by itself, and has missed nothing', async () => {
    const page = await setup.open('/commands')
    await untilLive(page)
    const open = await send({ thingId: silentId, ttl: 60 })
    await rowOf(page, open).waitFor()
    await setup.wire.cut()
    await page.getByText('The connection to the service is broken.').waitFor()
    expect(await page.locator('[data-link]').innerText()).toBe('Reconnecting')
    await expectAccessible(page)
    const missed = [await send(), await send()]
    await silent.respond(open, { status: 'REJECTED', reason: { code: 'NOT_NOW' } })
    await setup.wire.restore()
    await untilLive(page)
    for (const id of missed) await rowOf(page, id).waitFor()
    await expect.poll(() => rowOf(page, open).innerText(), PATIENCE).toContain('NOT_NOW')
    await page.context().close()
  })

  it('keeps filters in the address, and what leaves them where it is', async () => {
    const page = await setup.open('/commands')
    let counted = 0
    page.on('request', (request) => {
      if (request.postData()?.includes('ExecutionCounts')) counted += 1
    })
    const open = await send({ thingId: silentId, action: 'filtered', ttl: 60 })
    await send({ action: 'reboot' })
    await page.getByRole('combobox', { name: 'Thing' }).fill(silentId)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /^Sent/ }).click()
    await page.getByRole('combobox', { name: 'Time' }).selectOption('1h')
    await expect.poll(() => new URL(page.url()).search, PATIENCE).toBe(`?thing=${silentId}&status=SENT&range=1h`)
    await rowOf(page, open).waitFor()
    await untilLive(page)
    await silent.respond(open, { status: 'SUCCEEDED' })
    await expect.poll(() => rowOf(page, open).innerText(), PATIENCE).toContain('Succeeded')
    // One for each filter, and one every five seconds: a range that moves on must not ask again by itself.
    expect(counted).toBeLessThan(10)

    const shared = await setup.open(`/commands?thing=${silentId}&status=SUCCEEDED&status=FAILED&action=filtered`)
    await rowOf(shared, open).waitFor()
    expect(await shownIds(shared)).toEqual([open])
    expect(await shared.getByRole('button', { name: /^Failed/ }).getAttribute('aria-pressed')).toBe('true')
    await shared.getByRole('button', { name: 'Clear' }).click()
    await expect.poll(async () => (await shownIds(shared)).length, PATIENCE).toBeGreaterThan(1)
    await page.context().close()
    await shared.context().close()
  })

  it('says how many there are of each status, and goes on counting', async () => {
    const page = await setup.open(`/commands?thing=${silentId}&action=counted`)
    const status = (word: string) => page.getByRole('button', { name: new RegExp(`^${word}`) })
    const first = await send({ thingId: silentId, action: 'counted', ttl: 60 })
    await send({ thingId: silentId, action: 'counted', ttl: 60 })
    await expect.poll(() => status('Sent').innerText(), PATIENCE).toMatch(/^Sent\s*2$/)
    await silent.respond(first, { status: 'FAILED' })
    await expect.poll(() => status('Failed').innerText(), PATIENCE).toMatch(/^Failed\s*1$/)
    await expect.poll(() => status('Sent').innerText(), PATIENCE).toMatch(/^Sent\s*1$/)
    await page.context().close()
  })

  it('goes back to the very first execution, and forward again', async () => {
    for (let n = 0; n < 110; n += 1) await send()
    const all = await everyId(setup)
    const page = await setup.open('/commands')
    await untilLive(page)
    // Of a row that came live, no page has told the cursor.
    await rowOf(page, await send()).waitFor()
    const pages = [await shownIds(page)]
    const turn = async (name: string) => {
      const [before] = await shownIds(page)
      await page.getByRole('button', { name, exact: true }).click()
      await expect.poll(async () => (await shownIds(page))[0] ?? before, PATIENCE).not.toBe(before)
      return shownIds(page)
    }
    while (await page.getByRole('button', { name: 'Older' }).isEnabled()) pages.push(await turn('Older'))
    expect(pages.flat().slice(1)).toEqual(all)
    expect(await turn('Newer')).toEqual(pages.at(-2))
    await turn('Newest')
    await expect.poll(() => shownIds(page), PATIENCE).toEqual(pages[0])
    expect((await turn('Oldest')).at(-1)).toBe(all.at(-1))
    await page.context().close()
  })

  it('exports all that the filter finds', async () => {
    const page = await setup.open(`/commands?thing=${thingId}`)
    for (const format of ['CSV', 'JSON'] as const) {
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: format }).click(),
      ])
      const text = readFileSync(await file.path(), 'utf8')
      const count = (await everyId(setup, { thingId })).length
      if (format === 'JSON') expect(JSON.parse(text)).toHaveLength(count)
      else expect(text.trimEnd().split('\r\n')).toHaveLength(count + 1)
    }
    await page.context().close()
  })

  it('explains an execution, cancels it, and sends it again', async () => {
    const id = await send({ thingId: silentId, action: 'wait', ttl: 100 })
    const page = await setup.open(`/executions/${id}`)
    await page.getByText('There is no answer yet.').waitFor()
    await expect.poll(() => page.locator('main').innerText(), PATIENCE).toMatch(/1:[0-3]\d left/)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Cancel it' }).click()
    await page.getByText('A caller stopped waiting').waitFor()
    // Too late, and evidence all the same.
    await silent.respond(id, { status: 'SUCCEEDED', result: { late: true } })
    await page.getByText('A response came too late, and changed nothing').waitFor()
    await page.getByRole('button', { name: 'Send again' }).click()
    const dialog = dialogOf(page)
    expect(await dialog.getByRole('textbox', { name: 'Action' }).inputValue()).toBe('wait')
    expect(await dialog.getByLabel('TTL').inputValue()).toBe('100')
    await dialog.getByRole('button', { name: 'Send', exact: true }).click()
    await dialog.locator('[data-outcome=SENT]').waitFor()
    await dialog.getByRole('link', { name: 'Open the execution' }).click()
    await page.getByText('There is no answer yet.').waitFor()
    expect(page.url()).not.toContain(id)
    await page.context().close()
  })

  it('gives a command as text that does the same', async () => {
    const id = await send({ action: 'reboot' })
    const page = await setup.open(`/executions/${id}`, { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByRole('button', { name: 'Copy as GraphQL' }).click()
    const query = await page.evaluate(() => navigator.clipboard.readText())
    const { sendCommand } = await setup.service.query<{ sendCommand: { execution: { status: string } } }>(query)
    expect(sendCommand.execution.status).toBe('SUCCEEDED')
    await page.getByRole('button', { name: 'Copy as curl' }).click()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(`curl -s ${setup.url}/graphql`)
    await page.context().close()
  })

  it('says so where there is nothing', async () => {
    const page = await setup.open('/executions/00000000-0000-7000-8000-000000000000')
    await page.getByText('There is no execution with this ID.').waitFor()
    expect(await page.getByRole('link', { name: 'GraphiQL' }).getAttribute('href')).toBe('/graphql')
    await page.goto(`${setup.url}/commands?thing=nothing-like-it`)
    await page.getByText('Nothing matches this filter.').waitFor()
    await page.goto(`${setup.url}/commands?after=nonsense`)
    await page.getByText('The list could not be read.').waitFor()
    await page.goto(`${setup.url}/commands?status=nonsense`)
    await page.locator('[data-execution]').first().waitFor()
    await page.context().close()
  })

  it.each([
    { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'light', viewport: { width: 390, height: 844 } },
    { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  ] as const)('is accessible: $colorScheme at $viewport.width px', async (options) => {
    const page = await setup.open('/commands', options)
    await page.locator('[data-execution]').first().waitFor()
    await expectAccessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    await page.getByRole('button', { name: 'Menu' }).click()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await page.locator('[data-row]').first().click()
    await page.getByRole('heading', { name: 'What happened' }).waitFor()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Send again' }).click()
    await dialogOf(page).waitFor()
    await dialogOf(page).getByRole('combobox', { name: 'Thing' }).fill('o')
    await page.getByRole('option').first().waitFor()
    await expectAccessible(page)
    await page.context().close()
  })

  it('asks nobody else for anything, and needs nothing that a strict policy refuses', () => {
    expect(setup.complaints).toEqual([])
  })
})

describe.skipIf(isBrowserMissing())('the console where no subscription is to be had', { timeout: 60_000 }, () => {
  it('says that it is told nothing, and has missed nothing once it is', async () => {
    const setup = await setUpConsole({ maxSubscriptions: 1, replicas: 1 })
    const { service } = setup
    const thingId = uniqueName('alone')
    await service.registerThing(thingId)
    const taken = service.webSocket()
    const updates = taken.iterate({ query: 'subscription { executionUpdated { id } }' })
    const first = updates.next()
    // Operations of one socket begin in their order: when the second is answered, the first is listened to.
    await taken.iterate({ query: '{ __typename }' }).next()
    const page = await setup.open('/commands')
    await page.getByText('Changes are not told at the moment.').waitFor()
    const { execution } = await service.send({ thingId, ttl: 600 })
    await taken.dispose()
    await first
    await rowOf(page, execution?.id ?? '').waitFor()
    await expect.poll(() => page.getByText('Changes are not told at the moment.').count(), PATIENCE).toBe(0)
    expect(setup.complaints).toEqual([])
    await setup.stop()
  })
})

/** Newest first, page by page. */
async function everyId({ service }: ConsoleSetup, filter: Record<string, unknown> = {}): Promise<string[]> {
  const ids: string[] = []
  let after: string | null = null
  do {
    const { executions }: { executions: IdPage } = await service.query(
      `query ($filter: ExecutionFilter, $after: String) {
        executions(filter: $filter, first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
      { filter, after },
    )
    ids.push(...executions.nodes.map(({ id }) => id))
    after = executions.pageInfo.hasNextPage ? executions.pageInfo.endCursor : null
  } while (after)
  return ids
}

interface IdPage {
  nodes: { id: string }[]
  pageInfo: { hasNextPage: boolean; endCursor: string }
}
