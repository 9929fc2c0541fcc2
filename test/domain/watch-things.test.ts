import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { thingPresence, things } from '../../src/db/schema.ts'
import type { Context } from '../../src/domain/context.ts'
import type { ThingFilter } from '../../src/domain/thing.ts'
import { findThingStates, type ThingState } from '../../src/domain/thing-news.ts'
import { listThings, updateThing } from '../../src/domain/things.ts'
import { matchesThing, watchThings } from '../../src/domain/watch-things.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, openDomain } from '../support/domain.ts'
import { heapInUse } from '../support/heap.ts'

const THINGS = 3_000
const READERS = 100

let domain: Domain
let ctx: Context
const ids = Array.from({ length: THINGS }, (_, n) => `thing-${n}`)

beforeAll(async () => {
  domain = await openDomain()
  ctx = domain.ctx
  await ctx.db.insert(things).values(ids.map((id) => ({ id, clientId: id, tags: [] })))
})
afterAll(() => domain.stop())

/** Everything at once, as by a broker that was restarted. */
function setAll(online: boolean): Promise<void> {
  for (const clientId of ids) ctx.presence.noteClient({ clientId, online })
  return expect
    .poll(
      async () => {
        const [row] = await ctx.db
          .select({ n: sql<number>`count(*)::int` })
          .from(thingPresence)
          .where(sql`${thingPresence.online} = ${online}`)
        return row?.n
      },
      { timeout: 20_000 },
    )
    .toBe(THINGS)
}

async function readUntilAll(changes: AsyncIterator<ThingState>, online: boolean): Promise<number> {
  const seen = new Set<string>()
  for (let updates = 1; ; updates++) {
    const { value } = await changes.next()
    if (value.presence.online === online) seen.add(value.id)
    if (seen.size === THINGS) return updates
  }
}

describe('a slow reader of things', () => {
  it('gets the latest state of each of 3,000 things, whatever happened while it did not read', async () => {
    const changes = watchThings(ctx, {})
    await setAll(true)
    await setAll(false)
    await setAll(true)
    // Not all states of all things: what it did not read in time it gets as it is now.
    expect(await readUntilAll(changes, true)).toBeLessThan(2 * THINGS)
    await changes.return?.()
  }, 60_000)

  it('loses nothing of what happens while it catches up', async () => {
    const changes = watchThings(ctx, {})
    await setAll(false)
    const writing = setAll(true)
    await readUntilAll(changes, true)
    await writing
    await changes.return?.()
  }, 60_000)

  it('costs bounded memory: 100 that do not read at all', async () => {
    const before = await heapInUse()
    const readers = Array.from({ length: READERS }, () => watchThings(ctx, {}))
    await setAll(false)
    await setAll(true)
    expect((await heapInUse()) - before).toBeLessThan(30)
    for (const reader of readers) await reader.return?.()
  }, 60_000)
})

describe('the filter of things', () => {
  it('says the same of what is told live and of what is in the database', async () => {
    await updateThing(ctx, ANYBODY, { id: 'thing-1', tags: ['a', 'b'] })
    await updateThing(ctx, ANYBODY, { id: 'thing-2', tags: ['b'] })
    await ctx.db.delete(thingPresence).where(sql`${thingPresence.thingId} = 'thing-2'`)
    const some = ['thing-1', 'thing-2', 'thing-3']
    const filters: ThingFilter[] = [
      {},
      { id: ['thing-1'] },
      { id: [] },
      { tag: ['a'] },
      { tag: [] },
      { tag: ['b', 'x'] },
      { thingType: ['none'] },
      { online: true },
      { online: false },
      { id: ['thing-2', 'thing-1'], online: true, tag: ['b'] },
      { idPrefix: '' },
      { idPrefix: 'thing-1' },
      { idPrefix: 'thing%' },
      { idPrefix: 'THING' },
      { idPrefix: 'thing-', online: true },
    ]
    const states = await findThingStates(ctx, some)
    for (const filter of filters) {
      const page = { after: undefined, before: undefined, limit: 100, inverted: false }
      const listed = await listThings(ctx, { ...filter, id: filter.id ?? some }, page)
      const matching = states.filter((state) => matchesThing(state, filter)).map(({ id }) => id)
      expect(listed.map(({ id }) => id)).toEqual(matching.sort())
    }
  })
})
