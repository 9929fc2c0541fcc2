/** A request's id: the caller's or one of ours, in the answer and in what is logged of the request. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { type Backend, createBackend } from '../support/backend.ts'
import { uniqueName } from '../support/names.ts'
import { type ServiceProcess, startServiceProcess } from '../support/service.ts'

describe('a request id', () => {
  let backend: Backend
  let service: ServiceProcess
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    backend = await createBackend()
    service = await startServiceProcess(backend, { LOG_LEVEL: 'debug' })
    await service.registerThing(thingId)
  })

  afterAll(async () => {
    await service.kill('SIGTERM')
    await backend.dispose()
  })

  const linesWith = (requestId: string) =>
    service
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes(requestId))
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })

  it('is taken from the caller, answered, and in the log with the execution', async () => {
    const query = `mutation { sendCommand(input: { thingId: "${thingId}", action: "reboot" }) { execution { id } } }`
    const graphql = await post('/graphql', { query }, { 'x-request-id': 'from-graphql:1' })
    const rest = await post('/api/v1/commands', { thingId, action: 'reboot' }, { 'x-request-id': 'from-rest:1' })
    expect(graphql.headers.get('x-request-id')).toBe('from-graphql:1')
    expect(rest.headers.get('x-request-id')).toBe('from-rest:1')
    const id = ((await graphql.json()) as { data: { sendCommand: { execution: { id: string } } } }).data.sendCommand
    const line = { executionId: id.execution.id, thingId, requestId: 'from-graphql:1', msg: 'command sent' }
    await expect.poll(() => linesWith('from-graphql:1')).toMatchObject([line])
    await expect.poll(() => linesWith('from-rest:1')).toMatchObject([{ thingId, msg: 'command sent' }])
  })

  it.each(['has spaces', 'x'.repeat(129), '<script>', 'ü'])('is made where the caller sent %j', async (given) => {
    const answer = await fetch(`${service.url}/healthz`, { headers: { 'x-request-id': given } })
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('is on every way: health, an unknown path, a document that is refused, a GET, a WebSocket', async () => {
    const paths = ['/healthz', '/nothing', '/graphql?query={', '/graphql?query={__typename}', '/metrics']
    for (const path of paths) {
      const answer = await fetch(`${service.url}${path}`, { headers: { 'x-request-id': 'a-1' } })
      expect([path, answer.headers.get('x-request-id')]).toEqual([path, 'a-1'])
      await answer.arrayBuffer()
    }
    const socket = new WebSocket(`${service.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      headers: { 'x-request-id': 'ws-1' },
    })
    const [[response]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])
    expect(response.headers['x-request-id']).toBe('ws-1')
    socket.close()
  })
})
