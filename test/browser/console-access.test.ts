/** The console where the service wants to know who asks. */
import type { Page } from 'playwright-core'
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
  untilLive,
} from '../support/console.ts'
import { uniqueName } from '../support/names.ts'

interface Key {
  id: string
  secret: string
}

describe.skipIf(isBrowserMissing())('the console with keys', { timeout: 60_000 }, () => {
  let setup: ConsoleSetup
  let admin: Key
  let operator: Key
  let viewer: Key
  let executionId: string
  const thingId = uniqueName('gate')

  beforeAll(async () => {
    setup = await setUpConsole()
    await setup.service.registerThing(thingId)
    const { execution } = await setup.service.send({ thingId, action: 'open', ttl: 600 })
    executionId = execution?.id ?? ''
    admin = await createKey({ name: 'admin', role: 'ADMIN' })
    operator = await createKey({ name: 'operator', role: 'OPERATOR' })
    viewer = await createKey({ name: 'viewer', role: 'VIEWER' })
  })

  afterAll(() => setup?.stop())

  async function ask<T>(query: string, variables: unknown): Promise<T> {
    const authorization = admin && { authorization: `Basic ${btoa(`${admin.id}:${admin.secret}`)}` }
    const response = await fetch(`${setup.service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify({ query, variables }),
    })
    const { data } = (await response.json()) as { data: T }
    return data
  }

  async function createKey(input: Record<string, unknown>): Promise<Key> {
    const { createApiKey } = await ask<{ createApiKey: { apiKey: { id: string }; secret: string } }>(
      'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } secret errors { message } } }',
      { input },
    )
    return { id: createApiKey.apiKey.id, secret: createApiKey.secret }
  }

  async function signIn(page: Page, { id, secret }: Key): Promise<void> {
    await page.getByLabel('Key id').fill(id)
    await page.getByLabel('Secret').fill(secret)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  it('asks who it is, says when that is not good, and stays signed in for a reload', async () => {
    const page = await setup.open(`/executions/${executionId}`)
    await page.getByLabel('Key id').waitFor()
    await expectAccessible(page)
    await signIn(page, { id: operator.id, secret: 'wrong' })
    await page.getByText('This key or token is not good here').waitFor()
    await signIn(page, operator)
    await page.getByText('There is no answer yet.').waitFor()
    await untilLive(page)
    await page.reload()
    await page.getByText('There is no answer yet.').waitFor()
    await page.getByRole('button', { name: 'Menu' }).click()
    expect(await page.getByText(operator.id).count()).toBe(1)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Key id').waitFor()
    await page.reload()
    await page.getByLabel('Key id').waitFor()
    expect(await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]))).not.toContain(
      'Basic',
    )
    await page.context().close()
  })

  it('takes a token as well', async () => {
    const page = await setup.open('/')
    await page.getByLabel('Token').check()
    await page.getByRole('textbox', { name: 'Token' }).fill('no.good.token')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('This key or token is not good here').waitFor()
    await page.context().close()
  })

  it('says who sent what', async () => {
    const page = await setup.open('/commands')
    await signIn(page, operator)
    await rowOf(page, executionId).waitFor()
    await openSend(page)
    await fillCombo(page, 'Thing', thingId)
    await dialogOf(page).getByRole('textbox', { name: 'Action' }).fill('close')
    await dialogOf(page).getByRole('button', { name: 'Send', exact: true }).click()
    await dialogOf(page).locator('[data-outcome=SENT]').waitFor()
    await dialogOf(page).getByRole('link', { name: 'Open the execution' }).click()
    await page.getByText(`Requested by ${operator.id}`).waitFor()
    await page.context().close()
  })

  it('offers a viewer nothing that it may not do', async () => {
    const page = await setup.open('/commands')
    await signIn(page, viewer)
    await rowOf(page, executionId).waitFor()
    expect(await page.getByRole('button', { name: /send/i }).count()).toBe(0)
    await page.keyboard.press('c')
    await page.getByRole('link', { name: executionId.slice(-6) }).click()
    await page.getByText('There is no answer yet.').waitFor()
    expect(await page.getByRole('button', { name: /send|cancel/i }).count()).toBe(0)
    expect(await dialogOf(page).count()).toBe(0)
    await page.context().close()
  })

  it('asks again once the key is revoked', async () => {
    const short = await createKey({ name: 'short', role: 'VIEWER' })
    const page = await setup.open('/commands')
    await signIn(page, short)
    await untilLive(page)
    await ask('mutation ($id: ID!) { revokeApiKey(id: $id) { errors { message } } }', { id: short.id })
    await page.getByText('This key or token is not good here').waitFor(PATIENCE)
    await page.context().close()
  })

  it('needs nothing that a strict policy refuses', () => {
    expect(setup.complaints).toEqual([])
  })
})

describe.skipIf(isBrowserMissing())('the console where only persisted operations run', { timeout: 60_000 }, () => {
  let setup: ConsoleSetup

  beforeAll(async () => {
    setup = await setUpConsole({ persistedOperations: 'dist/console/operations.json' })
  })

  afterAll(() => setup?.stop())

  it('sends its documents as they are listed with it', async () => {
    const page = await setup.open('/commands')
    await page.getByText('No command was sent yet.').waitFor()
    await untilLive(page)
    await openSend(page)
    await dialogOf(page).getByRole('combobox', { name: 'Thing' }).fill('nothing')
    await page.getByText('No thing begins like that.').waitFor()
    await page.goto(`${setup.url}/executions/00000000-0000-7000-8000-000000000000`)
    await page.getByText('There is no execution with this ID.').waitFor()
    await page.context().close()
  })
})
