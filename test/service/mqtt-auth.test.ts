/** What a broker is told that asks over HTTP about its clients, as EMQX does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestFilter, requestTopic, responseTopic, sharedFilter, updatedFilter } from '../../src/protocol/topics.ts'
import { uniqueName } from '../support/names.ts'
import { loginOf, registerWithSecret, rotateSecret } from '../support/secrets.ts'
import { type Service, startService } from '../support/service.ts'

const SECRET = 'of-the-broker-alone'
const EXECUTION = '00000000-0000-7000-8000-000000000000'

describe('the questions of a broker', () => {
  let service: Service
  const [mine, other, plain, renamed] = ['mine', 'other', 'plain', 'renamed'].map(uniqueName) as [
    string,
    string,
    string,
    string,
  ]
  let password: string
  let renamedPassword: string

  beforeAll(async () => {
    service = await startService({ mqttAuthSecret: SECRET })
    ;({ password } = await loginOf(service, mine))
    await loginOf(service, other)
    await service.registerThing(plain)
    renamedPassword = (await registerWithSecret(service, { id: renamed, clientId: `${renamed}/c` })).secret ?? ''
  })
  afterAll(() => service?.stop())

  const ask = (path: string, body: unknown, headers: Record<string, string> = { authorization: `Bearer ${SECRET}` }) =>
    fetch(`${service.url}/mqtt/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  const login = async (body: unknown) => {
    const response = await ask('auth', body)
    expect(response.status).toBe(200)
    return response.json()
  }
  const told = (result: string) => ({ result, is_superuser: false })

  it('about logins: a thing has to present its secret, and of others nothing is known', async () => {
    expect(await login({ clientid: mine, username: mine, password })).toEqual(told('allow'))
    expect(await login({ clientid: mine, password })).toEqual(told('allow'))
    expect(await login({ clientid: mine, username: null, password })).toEqual(told('allow'))
    expect(await login({ clientid: `${renamed}/c`, username: renamed, password: renamedPassword })).toEqual(
      told('allow'),
    )
    for (const wrong of ['', 'wrong', `${password} `, null, undefined, '\u0000', 'x'.repeat(100_000)])
      expect(await login({ clientid: mine, username: mine, password: wrong })).toEqual(told('deny'))
    expect(await login({ clientid: plain, username: plain, password })).toEqual(told('deny'))
    expect(await login({ clientid: plain, username: plain })).toEqual(told('deny'))
    for (const clientid of [uniqueName('nobody'), renamed, '', 'a b', '\u0000', 'fleet-commands-1'])
      expect(await login({ clientid, username: 'any', password })).toEqual(told('ignore'))
  })

  it('about logins: nobody takes the user name of another thing, or its client id', async () => {
    expect(await login({ clientid: mine, username: other, password })).toEqual(told('deny'))
    expect(await login({ clientid: other, username: mine, password })).toEqual(told('deny'))
    expect(await login({ clientid: other, username: other, password })).toEqual(told('deny'))
    expect(await login({ clientid: `${renamed}/c`, username: `${renamed}/c`, password: renamedPassword })).toEqual(
      told('deny'),
    )
  })

  it('about logins: a rotated secret is no secret any more', async () => {
    const id = uniqueName('rotated')
    const before = await loginOf(service, id)
    const { secret } = await rotateSecret(service, id)
    expect(await login({ clientid: id, ...before })).toEqual(told('deny'))
    expect(await login({ clientid: id, username: id, password: secret })).toEqual(told('allow'))
  })

  const deed = async (action: string, topic: string, more: Record<string, unknown> = {}) => {
    const response = await ask('acl', { clientid: mine, username: mine, action, topic, ...more })
    expect(response.status).toBe(200)
    return ((await response.json()) as { result: string }).result
  }
  const ofMine = { thingId: mine, executionId: EXECUTION }
  const ofOther = { thingId: other, executionId: EXECUTION }

  it('about deeds: a thing publishes its responses, and subscribes to its requests', async () => {
    for (const more of [{}, { qos: 1, retain: false }, { qos: '1', retain: 'false' }, { qos: null, retain: null }])
      expect(await deed('publish', responseTopic(ofMine), more)).toBe('allow')
    expect(await deed('subscribe', requestFilter(mine), { qos: 1 })).toBe('allow')
    expect(await deed('subscribe', requestTopic(ofMine))).toBe('allow')
    const own = { clientid: `${renamed}/c`, username: `${renamed}/c` }
    expect(await deed('subscribe', requestFilter(renamed), own)).toBe('allow')
  })

  it('about deeds: and does nothing else', async () => {
    const denied: [string, string, Record<string, unknown>?][] = [
      ['publish', responseTopic(ofOther)],
      ['publish', responseTopic(ofMine), { retain: true }],
      ['publish', responseTopic(ofMine), { retain: 'true' }],
      ['publish', responseTopic(ofMine), { retain: '1' }],
      ['publish', requestTopic(ofMine)],
      ['publish', requestTopic(ofOther)],
      ['publish', 'hello'],
      ['publish', ''],
      ['subscribe', requestFilter(other)],
      ['subscribe', responseTopic(ofMine)],
      ['subscribe', updatedFilter({ thingId: mine })],
      ['subscribe', requestFilter(mine).replace(mine, '+')],
      ['subscribe', sharedFilter('fleet', requestFilter(mine))],
      ['subscribe', '#'],
      ['subscribe', requestFilter(mine), { clientid: uniqueName('nobody') }],
      ['subscribe', requestFilter(mine), { clientid: other, username: mine }],
      ['publish', responseTopic(ofMine), { clientid: '' }],
    ]
    for (const [action, topic, more] of denied)
      expect([action, topic, await deed(action, topic, more)]).toEqual([action, topic, 'deny'])
  })

  it('are answered to the broker alone', async () => {
    const body = { clientid: mine, username: mine, password, action: 'publish', topic: responseTopic(ofMine) }
    const wrong: Record<string, string>[] = [
      {},
      { authorization: '' },
      { authorization: SECRET },
      { authorization: `Basic ${SECRET}` },
      { authorization: `Bearer ${SECRET}x` },
      { authorization: 'Bearer ' },
    ]
    for (const path of ['auth', 'acl']) {
      for (const headers of wrong) expect((await ask(path, body, headers)).status).toBe(401)
      expect((await fetch(`${service.url}/mqtt/${path}`)).status).not.toBe(200)
    }
    const silent = await startService({ replicas: 1 })
    for (const path of ['auth', 'acl'])
      expect((await fetch(`${silent.url}/mqtt/${path}`, { method: 'POST' })).status).toBe(404)
    await silent.stop()
  })

  it('that are none are refused with the field that is wrong, and without what was in it', async () => {
    const cases: [string, unknown, RegExp][] = [
      ['auth', 'no json', /body: expected an object/],
      ['auth', [], /body: expected an object/],
      ['auth', { username: 'hush' }, /clientid: expected a string/],
      ['auth', { clientid: 1 }, /clientid: expected a string/],
      ['auth', { clientid: 'a', password: { hush: 1 } }, /password: expected a string/],
      ['acl', { clientid: 'a', topic: 'hush', action: 'delete' }, /action: expected publish or subscribe/],
      ['acl', { clientid: 'a', action: 'publish' }, /topic: expected a string/],
      ['acl', { clientid: 'a', action: 'publish', topic: 'a', retain: {} }, /retain: expected true or false/],
    ]
    for (const [path, body, expected] of cases) {
      const response = await ask(path, body)
      expect(response.status).toBe(400)
      const text = await response.text()
      expect(text).toMatch(expected)
      expect(text).not.toContain('hush')
    }
    expect((await ask('auth', { clientid: 'x'.repeat(300_000) })).status).toBe(413)
  })
})
