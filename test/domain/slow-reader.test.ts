import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Context } from '../../src/domain/context.ts'
import type { Execution } from '../../src/domain/execution.ts'
import { watchExecutions } from '../../src/domain/watch.ts'
import { readUntilSettled, sendAndSettle } from '../support/changes.ts'
import { type Domain, openDomain } from '../support/domain.ts'
import { heapInUse } from '../support/heap.ts'
import { uniqueName } from '../support/names.ts'

const EXECUTIONS = 5_000
const READERS = 100

let domain: Domain
let ctx: Context
let thingId: string

beforeAll(async () => {
  domain = await openDomain()
  ctx = domain.ctx
})
afterAll(() => domain.stop())
beforeEach(() => {
  thingId = uniqueName('busy')
})

const watchThing = () => watchExecutions(ctx, { filter: { thingId: [thingId] } })

const nextOf =
  (changes: AsyncIterator<Execution, undefined>): (() => Promise<Execution | undefined>) =>
  async () =>
    (await changes.next()).value

describe('a slow reader', () => {
  it('gets the latest state of each of 5,000 executions after 10,000 changes, and each once', async () => {
    const changes = watchThing()
    await sendAndSettle(ctx, thingId, EXECUTIONS)
    expect(await readUntilSettled(nextOf(changes), EXECUTIONS)).toEqual({ updates: EXECUTIONS })
    await changes.return?.()
  })

  it('loses nothing of what happens while it catches up, and is overrun again', async () => {
    const changes = watchThing()
    await sendAndSettle(ctx, thingId, 2_000)
    const writing = sendAndSettle(ctx, thingId, 3_000)
    await readUntilSettled(nextOf(changes), EXECUTIONS)
    await writing
    await changes.return?.()
  })

  it('costs bounded memory: 100 that do not read at all, and 10,000 changes', async () => {
    await sendAndSettle(ctx, thingId, 500)
    const before = await heapInUse()
    const readers = Array.from({ length: READERS }, watchThing)
    await sendAndSettle(ctx, thingId, EXECUTIONS)
    // Each holds 1,000 references at most, and all of them together the same executions: about 7 MB.
    expect((await heapInUse()) - before).toBeLessThan(30)
    for (const reader of readers) await reader.return?.()
    expect(ctx.live.listenerCount()).toBe(0)
    expect((await heapInUse()) - before).toBeLessThan(5)
  })
})
