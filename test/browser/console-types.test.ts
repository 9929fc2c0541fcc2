/** The pages of thing types: what they take, and the editor of it. */
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isBrowserMissing } from '../support/browser.ts'
import { type ConsoleSetup, dialogOf, expectAccessible, fillCombo, PATIENCE, setUpConsole } from '../support/console.ts'
import { startTestDevice, type TestDevice } from '../support/device.ts'
import { uniqueName } from '../support/names.ts'
import { defineType, type ThingTypeData } from '../support/registry.ts'

const PARAMS_SCHEMA = {
  type: 'object',
  title: 'Target',
  properties: {
    value: { type: 'number', minimum: 5, maximum: 35, description: 'The target.' },
    mode: { type: 'string', enum: ['eco', 'comfort'], default: 'eco' },
    mail: { type: 'string', format: 'email' },
    until: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
    schedule: {
      type: 'array',
      items: { type: 'object', properties: { from: { type: 'string' }, on: { type: 'boolean' } }, required: ['from'] },
    },
  },
  required: ['value'],
  additionalProperties: false,
}
const ONE_OF = { oneOf: [{ required: ['a'] }, { required: ['b'] }] }

describe.skipIf(isBrowserMissing())('the thing types of the console', { timeout: 60_000 }, () => {
  let setup: ConsoleSetup
  let device: TestDevice
  const prefix = uniqueName('com.example.oven')
  const name = `${prefix}.grill`
  const thingId = uniqueName('grill')

  beforeAll(async () => {
    setup = await setUpConsole()
    await define(name)
    await setup.service.registerThing(thingId, { thingType: name })
    device = await startTestDevice(setup.service.mqttUrl, thingId, {
      answer: ({ params }) => ({ status: 'SUCCEEDED', result: params }),
    })
  })

  afterAll(async () => {
    await device?.stop()
    await setup?.stop()
  })

  const define = (of: string, more: Record<string, unknown> = {}) =>
    defineType(setup.service, {
      name: of,
      version: '2.1.0',
      description: 'It grills.',
      commands: [
        {
          name: 'setTemperature',
          description: 'Sets the target.',
          paramsSchema: PARAMS_SCHEMA,
          resultSchema: { type: 'object', properties: { now: { type: 'number' } } },
          defaultTtl: 20,
        },
        { name: 'reboot', description: 'Restarts it.' },
        { name: 'mix', paramsSchema: ONE_OF },
      ],
      ...more,
    })

  async function typeOf(of: string): Promise<ThingTypeData | null> {
    const { thingType } = await setup.service.query<{ thingType: ThingTypeData | null }>(
      `query ($name: ID!) { thingType(name: $name) {
        name version description commands { name description paramsSchema resultSchema defaultTtl } } }`,
      { name: of },
    )
    return thingType
  }

  const rowsOf = (page: Page) => page.locator('[data-type]')
  const commandOf = (page: Page, command: string) => page.locator(`[data-command="${command}"]`)
  const paramsOf = (card: Locator) => card.getByRole('group', { name: 'Schema of params' })
  const fieldOf = (card: Locator, field: string) => paramsOf(card).locator(`[data-field="${field}"]`)
  const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true })

  it('lists them by name, page by page, and finds one by what is in it', async () => {
    const numbers = Array.from({ length: 55 }, (_, n) => n)
    await Promise.all(
      numbers.map((n) => defineType(setup.service, { name: `${prefix}.n${n}`, commands: [{ name: `only-${n}` }] })),
    )
    const page = await setup.open('/types')
    await rowsOf(page).first().waitFor()
    const shown = () => rowsOf(page).evaluateAll((rows) => rows.map((row) => row.getAttribute('data-type') ?? ''))
    const first = await shown()
    expect(first).toHaveLength(50)
    await page.getByRole('button', { name: 'Next' }).click()
    await expect.poll(async () => (await shown())[0], PATIENCE).not.toBe(first[0])
    expect(first).not.toContain((await shown())[0])
    await page.getByRole('button', { name: 'Previous' }).click()
    await expect.poll(shown, PATIENCE).toEqual(first)
    await page.getByRole('button', { name: 'Last' }).click()
    await expect.poll(() => page.getByRole('button', { name: 'Next' }).isDisabled(), PATIENCE).toBe(true)

    const search = page.getByRole('searchbox', { name: 'Search types' })
    await search.fill(prefix)
    await expect.poll(async () => (await shown()).length, PATIENCE).toBe(56)
    await search.fill('only-54')
    await expect.poll(shown, PATIENCE).toContain(`${prefix}.n54`)
    await expect.poll(() => new URL(page.url()).search, PATIENCE).toBe('?q=only-54')
    await page.reload()
    await page.getByRole('link', { name: `${prefix}.n54` }).click()
    await page.getByRole('heading', { name: 'only-54' }).waitFor()
    await page.goBack()
    await search.fill(`${prefix}.nothing`)
    await page.getByText('No type has').waitFor()
    await page.getByRole('link', { name: 'Clear the search' }).click()
    await expect.poll(shown, PATIENCE).toEqual(first)
    expect(await search.inputValue()).toBe('')
    await page.context().close()
  })

  it('says what a type takes, and sends it', async () => {
    const page = await setup.open(`/types/${name}`)
    const command = page.getByRole('region', { name: 'setTemperature' })
    const table = command.getByRole('table', { name: 'Fields of params' })
    await table.waitFor()
    const lines = (await table.getByRole('row').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').trim())
    expect(lines.slice(1).toSorted()).toEqual(
      [
        'value required The target. number 5 to 35 –',
        'mode one of "eco", "comfort" "eco"',
        'mail string email –',
        'until as in the JSON –',
        'schedule array of object –',
        'schedule.[].from required string –',
        'schedule.[].on boolean –',
      ].toSorted(),
    )
    await command.getByText('JSON Schema').first().click()
    await command.getByRole('region', { name: 'JSON Schema of params' }).getByText('"Target"').waitFor()
    await page.getByRole('region', { name: 'mix' }).getByText('oneOf').waitFor()
    await page.getByRole('button', { name: 'Send setTemperature' }).click()
    await fillCombo(page, 'Thing', thingId)
    await dialogOf(page).getByText(name).waitFor()
    await dialogOf(page).getByLabel('value').fill('30')
    await dialogOf(page).getByRole('button', { name: 'Send', exact: true }).click()
    await dialogOf(page).locator('[data-outcome=SUCCEEDED]').waitFor()
    expect(device.requests.at(-1)).toMatchObject({ action: 'setTemperature', params: { value: 30, mode: 'eco' } })
    await dialogOf(page).getByRole('link', { name: 'Open the execution' }).click()
    await page.getByRole('link', { name }).click()
    await page.getByRole('heading', { name: 'setTemperature' }).waitFor()
    await page.context().close()
  })

  it('defines a type by filling in fields, and shows the form that comes of it', async () => {
    const made = `${prefix}.made`
    const page = await setup.open('/types')
    await page.getByRole('link', { name: 'Define a type' }).click()
    await page.getByRole('button', { name: 'Define' }).click()
    const typeName = page.getByRole('region', { name: 'The type' }).getByLabel('Name')
    await expect.poll(() => typeName.evaluate((input) => input === document.activeElement), PATIENCE).toBe(true)
    await typeName.fill(made)
    await page.getByRole('button', { name: 'Add a command' }).click()
    await page.keyboard.type('dim')
    const card = commandOf(page, 'dim')
    await card.getByLabel('Default TTL').fill('5')
    await card.getByLabel('Delivery').selectOption('AT_LEAST_ONCE')
    await paramsOf(card).getByRole('button', { name: 'Add a param' }).click()
    await page.keyboard.type('level')
    const level = fieldOf(card, 'level')
    await level.getByLabel('Type').selectOption('integer')
    await level.getByLabel('Required').check()
    await level.getByLabel('Min.').fill('0')
    await level.getByLabel('Max.').fill('-1')
    await level.getByText('Expected at least 0.').waitFor()
    await level.getByLabel('Max.').fill('100')
    await paramsOf(card).getByRole('button', { name: 'Add a param' }).click()
    await page.keyboard.type('mode')
    const mode = fieldOf(card, 'mode')
    await mode.getByLabel('Type').selectOption('enum')
    await mode.getByLabel('Values').fill('soft\nhard')
    await mode.getByLabel('Default').selectOption('soft')
    await paramsOf(card).getByLabel('Others are taken, too').uncheck()
    const preview = card.getByRole('group', { name: 'Preview' })
    await preview.getByLabel('level').fill('101')
    await preview.getByText('Expected at most 100.').waitFor()
    expect(await preview.getByLabel('mode').inputValue()).toBe('0')
    await page.getByRole('button', { name: 'Define' }).click()
    await page.getByRole('heading', { name: made }).waitFor()
    expect(await typeOf(made)).toMatchObject({
      version: '1.0.0',
      description: null,
      commands: [
        {
          name: 'dim',
          defaultTtl: 5,
          resultSchema: null,
          paramsSchema: {
            type: 'object',
            properties: {
              level: { type: 'integer', minimum: 0, maximum: 100 },
              mode: { type: 'string', enum: ['soft', 'hard'], default: 'soft' },
            },
            required: ['level'],
            additionalProperties: false,
          },
        },
      ],
    })
    await page.context().close()
  })

  it('edits what it can show as fields, and loses nothing of the rest', async () => {
    const edited = `${prefix}.edited`
    await define(edited)
    const page = await setup.open(`/types/${edited}`)
    await page.getByRole('link', { name: 'Edit' }).click()
    const card = commandOf(page, 'setTemperature')
    await card.getByText('Kept, and seen in the JSON only: title').waitFor()
    await fieldOf(card, 'mail').getByText('Kept, and seen in the JSON only: format').waitFor()
    expect(await fieldOf(card, 'until').getByLabel('JSON Schema').inputValue()).toContain('oneOf')
    expect(await save(page).isDisabled()).toBe(true)
    await fieldOf(card, 'value').getByLabel('Max.').fill('40')
    await page.getByRole('button', { name: 'Move mix up' }).click()
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Move mix up')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Remove reboot' }).click()
    // Fields cannot show it: JSON is the way, and says so.
    await page.getByRole('button', { name: /^mix/ }).click()
    const mix = paramsOf(commandOf(page, 'mix'))
    await mix.getByText('It says what fields cannot show').waitFor()
    expect(await mix.getByRole('button', { name: 'Fields' }).isDisabled()).toBe(true)
    await save(page).click()
    await page.getByRole('heading', { name: edited, exact: true }).waitFor()
    const { value } = PARAMS_SCHEMA.properties
    const properties = { ...PARAMS_SCHEMA.properties, value: { ...value, maximum: 40 } }
    const { commands } = (await typeOf(edited)) ?? {}
    expect(commands?.map((command) => command.name)).toEqual(['mix', 'setTemperature'])
    expect(commands?.map(({ paramsSchema }) => paramsSchema)).toEqual([ONE_OF, { ...PARAMS_SCHEMA, properties }])
    expect(commands?.[1]).toMatchObject({ defaultTtl: 20, description: 'Sets the target.' })
    await page.context().close()
  })

  it('keeps fields and JSON in step, and says where JSON is wrong, and what the service has against it', async () => {
    const page = await setup.open(`/types/${name}/edit`)
    const card = commandOf(page, 'setTemperature')
    await fieldOf(card, 'value').getByLabel('Name').fill('target')
    await paramsOf(card).getByRole('button', { name: 'JSON Schema' }).click()
    const json = card.getByRole('textbox', { name: 'Params as JSON Schema' })
    const schema = JSON.parse(await json.inputValue()) as typeof PARAMS_SCHEMA
    expect(schema.required).toEqual(['target'])
    await json.fill('{\n  "type": "object",\n  properties: {}\n}')
    await card.getByText('Line 3, column 3: expected a name in double quotes, not "p".').waitFor()
    await paramsOf(card).getByRole('button', { name: 'Fields' }).click()
    await card.getByText('Put this right first, or it would be lost.').waitFor()
    await json.fill('{ "type": "object", "properties": { "a": { "type": "string", "minLength": -1 } } }')
    // It is opened again for what is wrong in it.
    await page.getByRole('button', { name: /^setTemperature/ }).click()
    expect(await json.count()).toBe(0)
    await save(page).click()
    await expect.poll(() => json.getAttribute('aria-invalid'), PATIENCE).toBe('true')
    await card.getByText(/paramsSchema: expected a JSON Schema/).waitFor()
    expect(await json.evaluate((input) => input === document.activeElement)).toBe(true)
    await expectAccessible(page)
    await json.fill('{ "type": "object", "properties": { "a": { "type": "boolean", "default": true } } }')
    await paramsOf(card).getByRole('button', { name: 'Fields' }).click()
    expect(await fieldOf(card, 'a').getByLabel('Default').inputValue()).toBe('true')
    await page.context().close()
  })

  it('asks before what was not saved is lost', async () => {
    const page = await setup.open(`/types/${name}/edit`)
    await page.getByLabel('Version').fill('9.9.9')
    await page.getByRole('link', { name: 'Commands', exact: true }).click()
    const asked = page.getByRole('alertdialog', { name: 'Leave without saving?' })
    await asked.waitFor()
    await expectAccessible(page)
    await asked.getByRole('button', { name: 'Stay' }).click()
    expect(await page.getByLabel('Version').inputValue()).toBe('9.9.9')
    await page.getByRole('link', { name: 'Cancel' }).click()
    await asked.getByRole('button', { name: 'Leave' }).click()
    await page.getByRole('link', { name: 'Edit' }).click()
    expect(await page.getByLabel('Version').inputValue()).toBe('2.1.0')
    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.getByRole('heading', { name: 'setTemperature' }).waitFor()
    await page.context().close()
  })

  it('writes over nothing that somebody else saved meanwhile without asking', async () => {
    const shared = `${prefix}.shared`
    await define(shared)
    const page = await setup.open(`/types/${shared}/edit`)
    await page.getByLabel('Version').fill('3.0.0')
    await define(shared, { version: '2.2.0', commands: [] })
    await save(page).click()
    await page.getByText('Somebody changed this type meanwhile. Nothing was saved.').waitFor()
    expect((await typeOf(shared))?.version).toBe('2.2.0')
    await page.getByRole('button', { name: 'Drop mine and edit that one' }).click()
    expect(await page.getByLabel('Version').inputValue()).toBe('2.2.0')
    expect(await commandOf(page, 'reboot').count()).toBe(0)
    await page.getByLabel('Version').fill('2.3.0')
    await define(shared, { version: '2.4.0' })
    await save(page).click()
    await page.getByRole('button', { name: 'Replace it with mine' }).click()
    await save(page).click()
    await page.getByRole('heading', { name: shared, exact: true }).waitFor()
    expect(await typeOf(shared)).toMatchObject({ version: '2.3.0', commands: [] })

    await page.goto(`${setup.url}/define-type`)
    await page.getByLabel('Name').fill(shared)
    await page.getByRole('button', { name: 'Define' }).click()
    await page.getByText('There is a type of this name. Nothing was saved.').waitFor()
    await page.context().close()
  })

  it('deletes a type once nothing has it', async () => {
    const gone = `${prefix}.gone`
    await define(gone)
    const holder = uniqueName('holder')
    await setup.service.registerThing(holder, { thingType: gone })
    const page = await setup.open(`/types/${gone}`)
    await page.getByRole('button', { name: 'Delete' }).click()
    const asked = page.getByRole('alertdialog', { name: 'Delete this type?' })
    await asked.getByRole('button', { name: 'Delete it' }).click()
    await asked.getByText(`Things have the type ${gone}`).waitFor()
    await expectAccessible(page)
    expect(await typeOf(gone)).not.toBeNull()
    await setup.service.query('mutation ($id: ID!) { deregisterThing(id: $id) { errors { message } } }', { id: holder })
    await asked.getByRole('button', { name: 'Delete it' }).click()
    await page.getByRole('heading', { name: 'Thing types' }).waitFor()
    expect(await typeOf(gone)).toBeNull()
    await page.goto(`${setup.url}/types/${gone}`)
    await page.getByText('There is no thing type of this name.').waitFor()
    await page.context().close()
  })

  it.each([
    { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'light', viewport: { width: 390, height: 844 } },
    { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  ] as const)('is accessible: $colorScheme at $viewport.width px', async (options) => {
    const page = await setup.open(`/types?q=${name}`, options)
    const expectFit = async () => {
      await expectAccessible(page)
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    }
    await page.getByRole('link', { name }).waitFor()
    await expectFit()
    await page.getByRole('link', { name }).click()
    await page.getByRole('heading', { name: 'setTemperature' }).waitFor()
    await expectFit()
    await page.getByRole('link', { name: 'Edit' }).click()
    await page.getByRole('group', { name: 'Preview' }).waitFor()
    await page.getByRole('button', { name: /^mix/ }).click()
    await page.getByRole('button', { name: 'Add a command' }).click()
    await page.getByRole('button', { name: 'Add a param' }).last().click()
    await save(page).click()
    await page.getByText('2 things are to be put right.').waitFor()
    await expectFit()
    await page.context().close()
  })

  it('asks nobody else for anything, and needs nothing that a strict policy refuses', () => {
    expect(setup.complaints).toEqual([])
  })
})

describe.skipIf(isBrowserMissing())('the thing types of the console, for a viewer', { timeout: 60_000 }, () => {
  it('are there to be read', async () => {
    const setup = await setUpConsole()
    const name = uniqueName('com.example.read')
    await defineType(setup.service, { name, commands: [{ name: 'open' }] })
    const { createApiKey } = await setup.service.query<{
      createApiKey: { apiKey: { id: string }; secret: string }
    }>('mutation { createApiKey(input: { name: "viewer", role: VIEWER }) { apiKey { id } secret } }')
    const page = await setup.open(`/types?q=${name}`)
    await page.getByLabel('Key id').fill(createApiKey.apiKey.id)
    await page.getByLabel('Secret').fill(createApiKey.secret)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name }).waitFor()
    expect(await page.getByRole('link', { name: 'Define a type' }).count()).toBe(0)
    await page.getByRole('link', { name }).click()
    await page.getByRole('heading', { name: 'open' }).waitFor()
    expect(await page.getByRole('link', { name: 'Edit' }).count()).toBe(0)
    expect(await page.getByRole('button', { name: /delete|send/i }).count()).toBe(0)
    for (const path of [`/types/${name}/edit`, '/define-type']) {
      await page.goto(`${setup.url}${path}`)
      await page.getByText('Only an admin may define this type.').waitFor()
    }
    expect(setup.complaints).toEqual([])
    await setup.stop()
  })
})
