/** What a service says of itself, by which clients decide what to offer. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createBackend, onServices } from '../support/backend.ts'
import { type Service, startService } from '../support/service.ts'

const QUERY = '{ service { version isGraphiqlOn broker { isEmbedded url webSocketPath requiresSecrets } } }'

async function ask(service: Service) {
  return (await service.query<{ service: unknown }>(QUERY)).service
}

describe('service', () => {
  it('tells its version, and where devices connect', async () => {
    const service = await startService({ replicas: 1 })
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await ask(service)).toEqual({
      version,
      isGraphiqlOn: true,
      broker: onServices
        ? { isEmbedded: false, url: service.mqttUrl, webSocketPath: null, requiresSecrets: null }
        : { isEmbedded: true, url: service.mqttUrl, webSocketPath: '/mqtt', requiresSecrets: false },
    })
    await service.stop()
  })

  it('tells where there is no GraphiQL', async () => {
    const service = await startService({ replicas: 1, graphiql: false })
    expect(await ask(service)).toMatchObject({ isGraphiqlOn: false })
    await service.stop()
  })

  it.runIf(onServices)('keeps the credentials for the broker to itself', async () => {
    const backend = await createBackend()
    const withCredentials = new URL(backend.settings.mqttUrl ?? '')
    withCredentials.username = 'fleet'
    withCredentials.password = 'hidden'
    const service = await startService({ backend, replicas: 1, mqttUrl: withCredentials.href })
    expect(JSON.stringify(await ask(service))).not.toMatch(/fleet|hidden/)
    await service.stop()
    await backend.dispose()
  })
})
