/** PERSISTED_OPERATIONS: nothing runs but what is in the file, whichever door it comes to. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../support/cli.ts'
import { uniqueName } from '../support/names.ts'
import { ask, post } from '../support/raw-http.ts'
import { type Service, startService } from '../support/service.ts'

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
const byHash = (text: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(text) } } })
const fileOf = (...documents: string[]): string =>
  JSON.stringify(Object.fromEntries(documents.map((text) => [hashOf(text), text])))

const REGISTER = 'mutation Register($id: ID!) { registerThing(input: { id: $id }) { thing { id } errors { code } } }'
const THING = 'query Thing($id: ID!) { thing(id: $id) { id } }'
const LITERAL = '{ thing(id: "thermostat-001") { id } }'
const WATCH = 'subscription Watch($id: ID) { executionUpdated(id: $id) { id } }'

describe('persisted operations', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fc-persisted-'))
  let service: Service
  const id = uniqueName('thing')

  beforeAll(async () => {
    const path = join(folder, 'operations.json')
    writeFileSync(path, fileOf(REGISTER, THING, LITERAL, WATCH))
    service = await startService({ persistedOperations: path })
  })

  afterAll(async () => {
    await service.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const NOT_FOUND = /"PERSISTED_OPERATION_NOT_FOUND"/
  const REQUIRED = /"PERSISTED_OPERATION_REQUIRED"/
  const SSE = { accept: 'text/event-stream' }

  it('run by their hash, and by their text', async () => {
    const registered = await post(service.url, { ...byHash(REGISTER), variables: { id } })
    expect(registered.json()).toEqual({ data: { registerThing: { thing: { id }, errors: [] } } })
    for (let n = 0; n < 3; n++) {
      const found = { data: { thing: { id } } }
      const variables = { id }
      expect((await post(service.url, { ...byHash(THING), variables })).json()).toEqual(found)
      expect((await post(service.url, { query: THING, variables })).json()).toEqual(found)
      expect((await post(service.url, { query: THING, variables, ...byHash(THING) })).json()).toEqual(found)
      expect((await post(service.url, { query: LITERAL })).json()).toEqual({ data: { thing: null } })
    }
  })

  it('run by GET, queries only', async () => {
    const search = (text: string) =>
      new URLSearchParams({ extensions: JSON.stringify(byHash(text).extensions), variables: JSON.stringify({ id }) })
    const found = await ask(`${service.url}/graphql?${search(THING)}`)
    expect(found.json()).toEqual({ data: { thing: { id } } })
    expect((await ask(`${service.url}/graphql?${search(REGISTER)}`)).status).toBe(405)
    expect((await ask(`${service.url}/graphql?${search('{ __typename }')}`)).text).toMatch(NOT_FOUND)
  })

  it('run over SSE', async () => {
    const { text } = await post(service.url, { ...byHash(WATCH), variables: { id: 'x' } }, SSE)
    expect(text).toMatch(/EXECUTION_NOT_FOUND/)
    expect((await post(service.url, byHash('{ a }'), SSE)).text).toMatch(NOT_FOUND)
    expect((await post(service.url, { query: 'subscription { executionUpdated { id } }' }, SSE)).text).toMatch(REQUIRED)
  })

  it('run over WebSocket', async () => {
    const client = service.webSocket()
    const next = (payload: {
      query: string
      extensions?: Record<string, unknown>
      variables?: Record<string, unknown>
    }) => client.iterate(payload).next()
    const found = { data: { thing: { id } } }
    expect((await next({ query: '', ...byHash(THING), variables: { id } })).value).toEqual(found)
    expect((await next({ query: THING, variables: { id } })).value).toEqual(found)
    const refused = (code: string) => [expect.objectContaining({ extensions: { code } })]
    await expect(next({ query: '', ...byHash('{ a }') })).rejects.toEqual(refused('PERSISTED_OPERATION_NOT_FOUND'))
    await expect(next({ query: '{ __typename }' })).rejects.toEqual(refused('PERSISTED_OPERATION_REQUIRED'))
    await client.dispose()
  })

  it('are the only ones: neither another document, nor one that differs in a literal', async () => {
    for (const query of [
      '{ __typename }',
      '{ __schema { types { name } } }',
      LITERAL.replace('001', '002'),
      `${THING} `,
      '{',
    ]) {
      for (const headers of [{}, {}, {}, SSE])
        expect((await post(service.url, { query }, headers)).text).toMatch(REQUIRED)
      expect((await ask(`${service.url}/graphql?query=${encodeURIComponent(query)}`)).text).toMatch(REQUIRED)
    }
    for (const hash of ['', 'x', hashOf('{ a }'), 7, null, '__proto__']) {
      const { text } = await post(service.url, { extensions: { persistedQuery: { sha256Hash: hash } } })
      expect({ hash, text }).toEqual({ hash, text: expect.not.stringContaining('"data"') })
      expect({ hash, text }).toEqual({ hash, text: expect.stringContaining('"errors"') })
    }
  })

  it.each([
    ['no JSON', '{', /JSON/],
    ['no object', '[]', /it is no JSON object/],
    ['no text', JSON.stringify({ [hashOf('x')]: 1 }), /there is no text/],
    [
      'another hash',
      JSON.stringify({ abc: THING }),
      new RegExp(`under "abc" there is a document whose sha256 is ${hashOf(THING)}`),
    ],
    ['no document', fileOf('{'), /there is no document: Syntax Error/],
    ['a document that is not valid', fileOf('{ nothing }'), /not valid: Cannot query field "nothing"/],
  ])('end the start in one line where the file has %s', async (_name, content, expected) => {
    const path = join(folder, 'bad.json')
    writeFileSync(path, content)
    const { code, stderr, stdout } = await runCli(['serve'], {
      cwd: folder,
      env: { PORT: '0', PERSISTED_OPERATIONS: path },
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(expected)
    expect(stderr).toMatch(/^PERSISTED_OPERATIONS: .*\n$/)
  })

  it('end the start in one line where there is no file', async () => {
    const env = { PORT: '0', PERSISTED_OPERATIONS: join(folder, 'nothing.json') }
    const { code, stderr } = await runCli(['serve'], { cwd: folder, env })
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^PERSISTED_OPERATIONS: .*no such file.*\n$/),
    })
  })
})
