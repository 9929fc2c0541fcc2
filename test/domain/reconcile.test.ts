import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Context } from '../../src/domain/context.ts'
import { startReconciling } from '../../src/domain/reconcile.ts'
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
