/** What no client is shown when something breaks, and how often the database is asked for one document. */

import { sql } from 'drizzle-orm'
import { graphql } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../src/db/connect.ts'
import { ignoredResponses, things, thingTypes } from '../../src/db/schema.ts'
import type { Context } from '../../src/domain/context.ts'
import { createSignal } from '../../src/domain/signal.ts'
import { createContexts } from '../../src/graphql/context.ts'
import { schema } from '../../src/graphql/schema.ts'
import { ABOUT } from '../support/about.ts'
import { type Backend, createBackend } from '../support/backend.ts'
import { ANYBODY } from '../support/caller.ts'
import { seedExecutions } from '../support/executions.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { withStore } from '../support/store.ts'

const SECRETS = /thing_types|idempotency|relation|select |insert |\bat .*:\d+|node_modules|drizzle|postgres/i

describe('a service whose database is broken', () => {
  let backend: Backend
  let service: Service
  const thingId = uniqueName('thing')

  beforeAll(async () => {
    backend = await createBackend()
    await withStore(backend, async ({ db }) => {
      await db.insert(thingTypes).values({ name: 'broken', version: '1', commands: [] })
      await db.insert(things).values({ id: thingId, clientId: thingId, thingType: 'broken', tags: [] })
      await db.execute(sql`alter table thing_types rename column commands to elsewhere`)
      await db.execute(sql`drop table idempotency_keys`)
    })
    service = await startService({ backend })
  })

  afterAll(async () => {
    await service?.stop()
    await backend.dispose()
  })

  const masked = [
    expect.objectContaining({
      message: 'Something went wrong inside the service. It has been logged.',
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    }),
  ]
  const operations: [string, string][] = [
    ['a query', '{ thingTypes { nodes { name } } }'],
    ['a nested field', `{ thing(id: "${thingId}") { id type { name } } }`],
    ['a mutation', 'mutation { defineThingType(input: { name: "x" }) { errors { code } } }'],
    [
      'a send',
      'mutation { sendCommand(input: { thingId: "x", action: "x", idempotencyKey: "k" }) { errors { code } } }',
    ],
  ]

  it.each(operations)('shows nothing of its insides in %s, over HTTP', async (_name, query) => {
    const answer = await service.request(query)
    expect(answer.errors).toEqual(masked)
    expect(JSON.stringify(answer).replace(/"path":\[.*?\]/, '')).not.toMatch(SECRETS)
  })

  it.each(operations)('shows nothing of its insides in %s, over WebSocket', async (_name, query) => {
    const socket = service.webSocket()
    const answers = []
    for await (const answer of socket.iterate({ query })) answers.push(answer)
    expect(answers).toEqual([expect.objectContaining({ errors: masked })])
    expect(JSON.stringify(answers).replace(/"path":\[.*?\]/, '')).not.toMatch(SECRETS)
    await socket.dispose()
  })

  it('shows nothing of its insides over REST', async () => {
    const response = await fetch(`${service.url}/api/v1/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: JSON.stringify({ thingId, action: 'x' }),
    })
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(text)).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(text).not.toMatch(SECRETS)
  })
})

describe('a list with all that hangs on it', () => {
  it('costs one query for each level, however many rows it has', async () => {
    const backend = await createBackend()
    await withStore(backend, async (store) => {
      await fill(store)
      const counted = { count: 0 }
      const result = await graphql({
        schema,
        source: `{ executions(first: 49) { nodes { thing { id type { name } } ignoredResponses { cause } } } }`,
        contextValue: createContexts(counting(store, counted), ABOUT)(createSignal().listen, ANYBODY),
      })
      expect(result.errors).toBeUndefined()
      const { nodes } = Object(result.data).executions
      expect(nodes).toHaveLength(49)
      for (const { thing, ignoredResponses } of nodes) {
        expect(thing).toEqual({ id: expect.any(String), type: { name: expect.any(String) } })
        expect(ignoredResponses).toEqual([{ cause: 'LATE' }])
      }
      // A page that is not full looks once more, at what is older than a month.
      // Executions, things, types, ignored responses.
      expect(counted.count).toBe(4)
    })
    await backend.dispose()
  })
})

async function fill(store: Store): Promise<void> {
  const { db } = store
  const names = Array.from({ length: 50 }, (_, n) => `t${n}`)
  await db.insert(thingTypes).values(names.map((name) => ({ name, version: '1', commands: [] })))
  await db.insert(things).values(names.map((name) => ({ id: name, clientId: name, thingType: name, tags: [] })))
  const createdAt = new Date().toISOString()
  const rows = await seedExecutions(
    store,
    names.map((thingId) => ({ thingId, status: 'TIMED_OUT', createdAt })),
  )
  await db.execute(sql`update executions set ignored_count = 1`)
  await db
    .insert(ignoredResponses)
    .values(rows.map(({ id }) => ({ executionId: id, cause: 'LATE' as const, seenBy: ['test'] })))
}

/** The domain's context as far as a query needs it, counting its queries: each of them begins with `select`. */
function counting({ db }: Store, counted: { count: number }): Context {
  const counter = new Proxy(db, {
    get(target, name) {
      if (name === 'select') counted.count += 1
      return Reflect.get(target, name)
    },
  })
  return { db: counter } as Context
}
