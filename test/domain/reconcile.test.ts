import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Context } from '../../src/domain/context.ts'
import { type ChangeCursor, listVersions } from '../../src/domain/executions.ts'
import type { Interest } from '../../src/domain/live.ts'
import { startReconciling } from '../../src/domain/reconcile.ts'
import { sendMany } from '../support/changes.ts'
import { type Domain, insertOpen, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

/** More than are compared in one turn. */
const HISTORY = 31_000

let domain: Domain
beforeAll(async () => {
  domain = await openDomain()
})
afterAll(() => domain.stop())

/** Changes of another replica, all of them visible for longer than anybody's transaction takes. */
async function insertHistory({ db }: Context, thingId: string): Promise<void> {
  await db.execute(sql`
    insert into executions_open (id, thing_id, action, params, ttl, expires_at, created_at, updated_at)
    select uuid_v7(clock_timestamp()), ${thingId}, 'reboot', '{}', 600, now() + interval '1 hour', at, at
    from (select clock_timestamp() - interval '3 seconds' as at from generate_series(1, ${HISTORY})) as changes`)
}

/** A context that says how often the reconciler has asked since when somebody listens: at the end of a look as well. */
function countingLooks(ctx: Context): { ctx: Context; looks(): number } {
  let looks = 0
  const listeningSince = () => {
    looks += 1
    return ctx.live.listeningSince()
  }
  return { ctx: { ...ctx, live: { ...ctx.live, listeningSince } }, looks: () => looks }
}

describe('the first listener on a busy service', () => {
  it('is told what other replicas change from now on, and is not sent through what they changed before', {
    timeout: 30_000,
  }, async () => {
    const thingId = uniqueName('busy')
    const { ctx, looks } = countingLooks({ ...domain.ctx, commitLagMs: 10_000 })
    await insertHistory(ctx, thingId)
    // Busy, as far as this process knows.
    await sendMany(ctx, thingId, 1)
    const reconciler = startReconciling(ctx)
    reconciler.soon()
    await expect.poll(looks).toBeGreaterThanOrEqual(2)

    const told: string[] = []
    let gaps = 0
    const unlisten = ctx.live.listen({}, { onChange: ({ id }) => told.push(id), onGap: () => gaps++ })
    const ids = await insertOpen(ctx, thingId, [600_000])
    reconciler.soon()
    await expect.poll(() => told, { timeout: 10_000 }).toEqual(ids)
    expect(gaps).toBe(0)
    unlisten()
    await reconciler.stop()
  })
})

describe('versions of what changed', () => {
  const thingId = uniqueName('read')
  const since = new Date(Date.now() - 60_000)
  let ids: string[]

  beforeAll(async () => {
    ids = await insertOpen(domain.ctx, thingId, new Array<number>(450).fill(600_000))
    await insertOpen(domain.ctx, uniqueName('other'), [600_000])
  })

  async function readAll(interest: Interest): Promise<string[]> {
    const read: string[] = []
    for (let cursor: ChangeCursor = { at: since }; ; ) {
      const page = await listVersions(domain.ctx, interest, cursor, 100)
      read.push(...page.map(({ id }) => id))
      const last = page.at(-1)
      if (!last) return read
      expect(last).toMatchObject({ version: 0, thingId: expect.any(String), changedAt: expect.any(Number) })
      cursor = { at: new Date(last.changedAt), afterId: last.id }
    }
  }

  it('are read page by page, each once, though many have one instant', async () => {
    expect(await readAll({ executionIds: [], thingIds: [thingId] })).toEqual(ids.toSorted())
  })

  it('are those of the given executions and things only', async () => {
    const [id = ''] = ids
    expect(await readAll({ executionIds: [id], thingIds: [] })).toEqual([id])
    expect(await readAll({ executionIds: [], thingIds: [] })).toEqual([])
    expect((await readAll(undefined)).length).toBeGreaterThan(ids.length)
  })

  it('are none for names that the database would refuse', async () => {
    expect(await readAll({ executionIds: ['no-uuid'], thingIds: ['nul\0', 'lone \ud800'] })).toEqual([])
  })
})
