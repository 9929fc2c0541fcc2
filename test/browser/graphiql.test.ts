import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Device, startDevice } from '../../src/device/device.ts'
import { onServices } from '../support/backend.ts'
import { isBrowserMissing, launchBrowser } from '../support/browser.ts'
import { type Service, startService } from '../support/service.ts'

/** A busy machine takes its time, and so does the editor. */
const PATIENCE = { timeout: 20_000, interval: 500 }

// The tabs name thermostat-001, which only one service on a broker can have.
describe.skipIf(isBrowserMissing())('GraphiQL in a browser', () => {
  let service: Service
  let browser: Browser
  let page: Page
  let device: Device | undefined
  const foreign: string[] = []
  const sockets: string[] = []
  const refused: string[] = []

  beforeAll(async () => {
    service = await startService()
    browser = await launchBrowser()
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url())
      if (protocol.startsWith('http') && origin !== service.url) foreign.push(request.url())
    })
    page.on('websocket', (socket) => sockets.push(socket.url()))
    page.on('console', (message) => {
      if (/Content.Security.Policy/i.test(message.text())) refused.push(message.text())
    })
    await page.goto(`${service.url}/graphql`)
  })

  afterAll(async () => {
    await browser?.close()
    await device?.stop()
    await service?.stop()
  })

  /** Opens a tab and runs it, until the answer holds what is expected, or that is so. */
  async function runTab(name: string, expected: string | (() => boolean)): Promise<void> {
    // Not by the mouse: the tabs can be dragged, and move into their places when the page opens.
    await page.locator('.graphiql-tab-button', { hasText: name }).dispatchEvent('click')
    await page.locator('.graphiql-editors', { hasText: name }).waitFor()
    await run().click()
    const answer = async () => {
      const text = await shown()
      // It takes GraphiQL a tenth of a second to see which operation the editor holds now: too early, it is run again.
      if (/Cannot.infer.operation/.test(text)) await run().click()
      return typeof expected === 'string' ? text.includes(expected) : expected()
    }
    await expect.poll(answer, PATIENCE).toBe(true)
  }

  const run = () => page.locator('.graphiql-execute-button')
  const shown = () => page.locator('.graphiql-response').innerText()

  it('opens with a tab for each step, and runs them from left to right', { timeout: 60_000 }, async () => {
    await page.locator('.graphiql-tab').first().waitFor()
    expect(await page.locator('.graphiql-tab').allInnerTexts()).toEqual([
      'DefineType',
      'Register',
      'Send',
      'List',
      'Watch',
    ])

    await runTab('DefineType', 'com.example.thermostat')
    await runTab('Register', 'thermostat-001')
    device = await startDevice({ thingId: 'thermostat-001', url: service.mqttUrl, latencyMs: 0 })
    await runTab('Send', 'SUCCEEDED')
    await runTab('List', 'pageInfo')
  })

  it('subscribes over WebSocket, and shows an update as it comes', { timeout: 60_000 }, async () => {
    // It answers with nothing at first: its socket tells that it runs.
    await runTab('Watch', () => sockets.includes(`${service.url.replace('http', 'ws')}/graphql`))
    // The subscription may begin a moment after its socket: sent until it is seen.
    const sendAndLook = async () => {
      await service.send({ thingId: 'thermostat-001', action: 'reboot', wait: true })
      return shown()
    }
    await expect.poll(sendAndLook, PATIENCE).toContain('reboot')
  })

  it('explains the service by itself', async () => {
    await page.locator('button[aria-label="Show Documentation Explorer"]').click()
    const docs = page.locator('.graphiql-doc-explorer')
    for (const name of ['Mutation', 'sendCommand', 'SendCommandInput']) {
      await docs.getByRole('link', { name, exact: true }).first().click()
    }
    await expect.poll(() => docs.innerText(), PATIENCE).toContain('A command to one thing.')
  })

  it('asks nobody else for anything', () => {
    expect(foreign).toEqual([])
  })

  it('does nothing that its policy refuses, which lets nobody else in', async () => {
    expect(refused).toEqual([])
    const injected = await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'globalThis.injected = true'
      document.body.append(script)
      return Reflect.get(globalThis, 'injected')
    })
    expect(injected).toBeUndefined()
    await expect.poll(() => refused).toEqual([expect.stringMatching(/script-src/)])
    refused.length = 0
  })

  // MQTT over WebSocket comes with the embedded broker.
  it.skipIf(onServices)('lets a page be a device: MQTT at /mqtt', async () => {
    const connack = await page.evaluate(async () => {
      const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/mqtt`, 'mqtt')
      socket.binaryType = 'arraybuffer'
      await new Promise((resolve) => {
        socket.onopen = resolve
      })
      // CONNECT of MQTT 3.1.1: clean session, keep-alive 60 s, client id "page".
      socket.send(new Uint8Array([0x10, 16, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 4, 112, 97, 103, 101]))
      const received: number[] = []
      await new Promise<void>((resolve) => {
        socket.onmessage = ({ data }) => {
          // A packet may come in several frames [MQTT-6.0.0-4].
          received.push(...new Uint8Array(data))
          if (received.length >= 4) resolve()
        }
      })
      socket.close()
      return received
    })
    expect(connack).toEqual([0x20, 2, 0, 0])
  })
})
