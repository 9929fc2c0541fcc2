/** The simulated device: a browser tab that answers commands, with nothing installed. */
import type { Locator, Page, WebSocketRoute } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onServices } from '../support/backend.ts'
import { isBrowserMissing } from '../support/browser.ts'
import {
  type ConsoleSetup,
  dialogOf,
  expectAccessible,
  PATIENCE,
  rowOf,
  setUpConsole,
  shownIds,
} from '../support/console.ts'
import { uniqueName } from '../support/names.ts'

describe.skipIf(isBrowserMissing() || onServices)('the simulated device', { timeout: 60_000 }, () => {
  let setup: ConsoleSetup

  beforeAll(async () => {
    setup = await setUpConsole()
  })
  afterAll(() => setup?.stop())

  async function isOnline(thingId: string): Promise<boolean | null | undefined> {
    const query = 'query ($id: ID!) { thing(id: $id) { online } }'
    const { thing } = await setup.service.query<{ thing: { online: boolean | null } | null }>(query, { id: thingId })
    return thing?.online
  }

  async function send(input: Record<string, unknown> & { thingId: string }): Promise<string> {
    const { execution } = await setup.service.send({ ttl: 60, ...input })
    if (!execution) throw new Error('nothing was sent')
    return execution.id
  }

  /** A page that is a thing of its own. */
  async function openDevice(options = {}): Promise<{ page: Page; thingId: string }> {
    const thingId = uniqueName('tab')
    await setup.service.registerThing(thingId)
    const page = await setup.open(`/device?thing=${thingId}`, options)
    await connect(page, thingId)
    return { page, thingId }
  }

  it('goes the whole way in one window: register, connect, send, answer, see it settled', async () => {
    const page = await setup.open('/')
    await page.getByRole('link', { name: 'Let this tab be one' }).click()
    await page.getByText('There is no thing thermostat-001.').waitFor()
    await page.getByRole('button', { name: 'Register thermostat-001' }).click()
    await connect(page, 'thermostat-001')

    await page.getByRole('button', { name: 'Send it a command' }).click()
    await dialogOf(page).getByRole('textbox', { name: 'Action' }).fill('setTemperature')
    await dialogOf(page).getByRole('textbox', { name: 'JSON' }).fill('{ "value": 24 }')
    await dialogOf(page).getByRole('button', { name: 'Send', exact: true }).click()
    await dialogOf(page).locator('[data-outcome=SENT]').waitFor()
    await dialogOf(page).getByRole('link', { name: 'Answer it in the simulated device' }).click()
    await dialogOf(page).waitFor({ state: 'detached' })
    await page.getByText('1 to answer').waitFor()
    const card = page.locator('[data-request]')
    expect(JSON.parse(await card.getByLabel('Result').inputValue())).toEqual({ currentTemperature: 24 })
    await card.getByRole('button', { name: 'Answer SUCCEEDED' }).click()
    await page.locator('[data-outcome=answered]').waitFor()

    await page.getByRole('link', { name: 'Commands', exact: true }).click()
    const [id = ''] = (await idsOnce(page)) as string[]
    await expect.poll(() => rowOf(page, id).innerText(), PATIENCE).toContain('Succeeded')
    await dockOf(page).getByText('connected').waitFor()
    expect((await setup.service.execution(id)).result).toEqual({ currentTemperature: 24 })
    expect(await isOnline('thermostat-001')).toBe(true)
    await dockOf(page).getByRole('button', { name: 'Stop' }).click()
    await dockOf(page).waitFor({ state: 'detached' })
    await expect.poll(() => isOnline('thermostat-001'), PATIENCE).toBe(false)
    await page.context().close()
  })

  it('answers as the person says, or not at all, and also from another page', async () => {
    const { page, thingId } = await openDevice()
    const failed = await send({ thingId, action: 'heat' })
    const card = cardOf(page, failed)
    await card.getByLabel('Failed').check()
    expect(await card.getByLabel('Code').inputValue()).toBe('OVERHEATED')
    await card.getByLabel('Code').fill('too hot')
    expect(await card.getByRole('button', { name: 'Answer FAILED' }).isDisabled()).toBe(true)
    await card.getByLabel('Code').fill('TOO_HOT')
    await card.getByLabel('Message').fill('92 °C')
    await card.getByRole('button', { name: 'Answer FAILED' }).click()
    await expect
      .poll(() => statusOf(failed), PATIENCE)
      .toEqual({
        status: 'FAILED',
        reason: { code: 'TOO_HOT', message: '92 °C' },
      })

    const rejected = await send({ thingId, action: 'melt' })
    await cardOf(page, rejected).getByLabel('Rejected').check()
    await cardOf(page, rejected).getByRole('button', { name: 'Answer REJECTED' }).click()
    await expect
      .poll(() => statusOf(rejected), PATIENCE)
      .toMatchObject({ status: 'REJECTED', reason: { code: 'BUSY' } })

    const silent = await send({ thingId, action: 'wait', ttl: 3 })
    await cardOf(page, silent).getByRole('button', { name: 'Say nothing' }).click()
    const late = await send({ thingId, action: 'late', ttl: 3 })
    await cardOf(page, late).getByText('Expired').waitFor()
    expect(
      await cardOf(page, late)
        .getByRole('button', { name: /^Answer/ })
        .count(),
    ).toBe(0)
    for (const id of [silent, late])
      await expect.poll(async () => (await statusOf(id)).status, PATIENCE).toBe('TIMED_OUT')

    await page.getByLabel('Answer each new request').check()
    await page.getByRole('link', { name: 'Commands', exact: true }).click()
    const auto = await send({ thingId, action: 'auto' })
    await expect.poll(() => rowOf(page, auto).innerText(), PATIENCE).toContain('Succeeded')
    await page.context().close()
  })

  async function statusOf(id: string) {
    const { status, statusReason: reason } = await setup.service.execution(id)
    return { status, reason }
  }

  it('acts once for each execution, and answers one that comes again from memory', async () => {
    const thingId = uniqueName('tab')
    await setup.service.registerThing(thingId)
    const page = await setup.open('/overview')
    let socket: WebSocketRoute | undefined
    const requests: (string | Buffer)[] = []
    await page.routeWebSocket(/\/mqtt$/, (opened) => {
      socket = opened
      opened.connectToServer().onMessage((packet) => {
        // [MQTT-2.2.1] a PUBLISH
        if (typeof packet !== 'string' && (packet[0] ?? 0) >> 4 === 3) requests.push(packet)
        opened.send(packet)
      })
    })
    await page.goto(`${setup.url}/device?thing=${thingId}`)
    await connect(page, thingId)
    const id = await send({ thingId, action: 'again' })
    const card = cardOf(page, id)
    await card.waitFor()
    const [request = ''] = requests
    socket?.send(request)
    await card.getByText('It came again: 1 ×').waitFor()
    expect(await page.locator('[data-request]').count()).toBe(1)
    await card.getByRole('button', { name: 'Answer SUCCEEDED' }).click()
    await page.locator('[data-outcome=answered]').waitFor()
    socket?.send(request)
    await card.getByText('It came again: 2 ×').waitFor()
    const ignored = async () => {
      const { execution } = await setup.service.query<{
        execution: { result: unknown; ignoredResponses: { status: string; result: unknown }[] }
      }>('query ($id: ID!) { execution(id: $id) { result ignoredResponses { status result } } }', { id })
      return { first: execution.result, again: execution.ignoredResponses }
    }
    await expect.poll(async () => (await ignored()).again.length, PATIENCE).toBe(1)
    const { first, again } = await ignored()
    expect(again).toEqual([{ status: 'SUCCEEDED', result: first }])
    await page.context().close()
  })

  it('asks for the secret of a thing that has one, and says when that is wrong', async () => {
    const thingId = uniqueName('tab')
    const { registerThing } = await setup.service.query<{ registerThing: { secret: string } }>(
      'mutation ($input: RegisterThingInput!) { registerThing(input: $input) { secret } }',
      { input: { id: thingId, issueSecret: true } },
    )
    const page = await setup.open(`/device?thing=${thingId}`)
    const field = page.getByLabel('Secret of the thing')
    await field.fill('wrong')
    await expectAccessible(page)
    await page.getByRole('button', { name: `Be ${thingId}` }).click()
    await page.getByText('The broker refused the secret').waitFor()
    await page.getByRole('button', { name: 'Try another secret' }).click()
    await field.fill(registerThing.secret)
    await connect(page, thingId)
    await page.context().close()
  })

  it('comes back after a broken link, and has missed nothing; it ends when the page is loaded again', async () => {
    const { page, thingId } = await openDevice()
    await setup.wire.cut()
    await page.locator('[data-device=lost]').waitFor()
    const id = await send({ thingId, action: 'meanwhile' })
    await setup.wire.restore()
    await page.locator('[data-device=connected]').waitFor()
    await cardOf(page, id).getByRole('button', { name: 'Answer SUCCEEDED' }).click()
    await expect.poll(async () => (await statusOf(id)).status, PATIENCE).toBe('SUCCEEDED')
    await page.reload()
    await page.getByRole('button', { name: `Be ${thingId}` }).waitFor()
    expect(await dockOf(page).count()).toBe(0)
    await expect.poll(() => isOnline(thingId), PATIENCE).toBe(false)
    await page.context().close()
  })

  it('is offered where the broker is the service’s own, and registers for admins only', async () => {
    const page = await setup.open('/overview')
    let change: (data: CallerData) => void = () => {}
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('query Caller')) return route.continue()
      const response = await route.fetch()
      const body = (await response.json()) as { data: CallerData }
      change(body.data)
      await route.fulfill({ response, json: body })
    })
    change = ({ caller }) => Object.assign(caller, { role: 'OPERATOR' })
    await page.goto(`${setup.url}/device?thing=${uniqueName('nobody')}`)
    await page.getByText('ask an admin to register it').waitFor()
    expect(await page.getByRole('button', { name: /^Register/ }).count()).toBe(0)

    change = ({ service }) => {
      service.isGraphiqlOn = false
      service.broker = { isEmbedded: false, webSocketPath: null, requiresSecrets: null }
    }
    await page.reload()
    await page.getByText('There is none here.').waitFor()
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByText('Signed in as').waitFor()
    for (const name of ['GraphiQL', 'Simulated device']) expect(await page.getByRole('link', { name }).count()).toBe(0)
    await page.context().close()
  })

  it.each([
    { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
    { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'light', viewport: { width: 390, height: 844 } },
  ] as const)('is accessible: $colorScheme at $viewport.width px', async (options) => {
    const { page, thingId } = await openDevice(options)
    const id = await send({ thingId, action: 'look', params: { value: 1 } })
    await cardOf(page, id).getByLabel('Failed').check()
    await expectAccessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    await page.context().close()
  })

  it('asks nobody else for anything, and needs nothing that a strict policy refuses', () => {
    expect(setup.complaints).toEqual([])
  })
})

interface CallerData {
  caller: { role: string }
  service: {
    isGraphiqlOn: boolean
    broker: { isEmbedded: boolean; webSocketPath: string | null; requiresSecrets: boolean | null }
  }
}

const dockOf = (page: Page): Locator => page.getByRole('complementary', { name: 'Simulated device' })

const cardOf = (page: Page, executionId: string): Locator => page.locator(`[data-request="${executionId}"]`)

async function connect(page: Page, thingId: string): Promise<void> {
  await page.getByRole('button', { name: `Be ${thingId}` }).click()
  await page.locator('[data-device=connected]').waitFor()
}

/** The rows, once there is one. */
async function idsOnce(page: Page): Promise<(string | null)[]> {
  await page.locator('[data-execution]').first().waitFor()
  return shownIds(page)
}
