import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executions } from '../../src/db/schema.ts'
import { type CancelOutcome, cancelExecution } from '../../src/domain/cancel.ts'
import type { Execution } from '../../src/domain/execution.ts'
import { findIgnoredResponses } from '../../src/domain/executions.ts'
import { startExpiry } from '../../src/domain/expiry.ts'
import { applyResponses } from '../../src/domain/responses.ts'
import { onServices } from '../support/backend.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, incoming, insertOpen, openDomain, readExecutions } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

const RACES = 1_000
/** Around the TTL: half of it before, half after. */
const SPREAD_MS = 500
const ANSWER = { status: 'SUCCEEDED', result: { from: 'the thing' } }

interface Racers {
  responses: boolean
  cancels: boolean
  /** From when to when the TTLs pass; far away where no timeout takes part. */
  expiresInMs: [number, number]
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one])
  return groups
}

describe('who settles first wins, and nobody after', () => {
  let domain: Domain
  /** A second replica on Postgres; the embedded database has one process. */
  let other: Domain
  const thingId = uniqueName('racer')

  beforeAll(async () => {
    domain = await openDomain()
    other = onServices ? await openDomain({ backend: domain.backend, replica: uniqueName('other') }) : domain
  })

  afterAll(async () => {
    if (other !== domain) await other.stop()
    await domain.stop()
  })

  async function race({ responses, cancels, expiresInMs: [from, to] }: Racers) {
    const { ctx } = domain
    const told: Execution[] = []
    const unlisten = ctx.live.listen({}, { onChange: (execution) => told.push(execution), onGap: () => {} })
    const expiresInMs = Array.from({ length: RACES }, () => from + Math.random() * (to - from))
    const ids = await insertOpen(ctx, thingId, expiresInMs)
    const stopExpiry = startExpiry(ctx)
    const canceled = new Map<string, CancelOutcome>()
    await Promise.all(
      ids.map(async (id, n) => {
        const respond = async () => {
          if (responses) await applyResponses(ctx, [incoming(thingId, id, ANSWER)])
        }
        const cancel = async () => {
          if (cancels) canceled.set(id, await cancelExecution(ctx, ANYBODY, id))
        }
        // Shortly before the TTL passes or shortly after; whether the cancel or the response is first, a coin decides.
        await sleep(Math.min(expiresInMs[n] ?? 0, 2_500) + (Math.random() - 0.5) * SPREAD_MS)
        await Promise.all(Math.random() < 0.5 ? [respond(), cancel()] : [cancel(), respond()])
      }),
    )
    await expect
      .poll(async () => (await readExecutions(ctx, ids)).filter(({ status }) => status === 'SENT').length, {
        timeout: 15_000,
      })
      .toBe(0)
    await stopExpiry()
    unlisten()
    const rows = await readExecutions(ctx, ids)
    expect(rows).toHaveLength(RACES)
    const winners = new Set(rows.map(({ status }) => status))
    return { rows, canceled, told, winners }
  }

  async function verify({ rows, canceled, told }: Awaited<ReturnType<typeof race>>, responses: boolean) {
    const settlings = groupBy(
      told.filter(({ ignoredCount }) => ignoredCount === 0),
      ({ id }) => id,
    )
    const ids = rows.map(({ id }) => id)
    const evidence = groupBy(await findIgnoredResponses(domain.ctx, ids), ({ executionId }) => executionId)
    for (const row of rows) {
      // Told of exactly one settling, and it is what the row still says.
      const { id, status, settledAt, result, reasonCode } = row
      expect(settlings.get(id)).toMatchObject([{ status, settledAt, result, reasonCode }])
      const causes = evidence.get(id)?.map(({ cause }) => cause) ?? []
      expect(causes).toEqual(responses && status !== 'SUCCEEDED' ? ['LATE'] : [])
      verifyCancel(canceled.get(id), row)
    }
  }

  function verifyCancel(outcome: CancelOutcome | undefined, { id, status, settledAt }: Execution) {
    if (!outcome) return
    expect(outcome.execution).toMatchObject({ id, status, settledAt })
    expect(outcome.errors.map(({ code }) => code)).toEqual(status === 'CANCELED' ? [] : ['ALREADY_SETTLED'])
  }

  it.each([
    ['response against cancel', { responses: true, cancels: true, expiresInMs: [60_000, 60_000] }, 2],
    ['response against timeout', { responses: true, cancels: false, expiresInMs: [1_000, 2_500] }, 2],
    ['cancel against timeout', { responses: false, cancels: true, expiresInMs: [1_000, 2_500] }, 2],
    ['all three', { responses: true, cancels: true, expiresInMs: [1_000, 2_500] }, 3],
  ] satisfies [string, Racers, number][])(
    `%s, ${RACES} times`,
    async (_name, racers, sides) => {
      const outcome = await race(racers)
      await verify(outcome, racers.responses)
      expect(outcome.winners.size, 'a race that one side always wins is none').toBe(sides)
    },
    90_000,
  )

  it('two replicas that settle the same 500 in opposite order do not deadlock', async () => {
    for (let round = 0; round < 4; round++) {
      const ids = await insertOpen(domain.ctx, thingId, Array(500).fill(60_000))
      const responses = ids.map((id) => incoming(thingId, id, ANSWER))
      await Promise.all([
        applyResponses(domain.ctx, responses),
        applyResponses(
          other.ctx,
          ids.toReversed().map((id) => incoming(thingId, id, { status: 'FAILED' })),
        ),
        ...ids.slice(0, 50).map((id) => cancelExecution(domain.ctx, ANYBODY, id)),
      ])
      const rows = await readExecutions(domain.ctx, ids)
      expect(rows.filter(({ status }) => status === 'SENT')).toEqual([])
      const evidence = await findIgnoredResponses(domain.ctx, ids)
      const losers = rows.reduce((sum, { status }) => sum + (status === 'CANCELED' ? 2 : 1), 0)
      expect(evidence).toHaveLength(losers)
    }
  }, 60_000)

  it('the database itself refuses a second settling, whatever the code does', async () => {
    const { db } = domain.ctx
    const [id = ''] = await insertOpen(domain.ctx, thingId, [60_000])
    await applyResponses(domain.ctx, [incoming(thingId, id, ANSWER)])
    const settled = await readExecutions(domain.ctx, [id])
    const attempts = [
      sql`status = 'TIMED_OUT'`,
      sql`status = 'SENT', settled_at = null, result = null`,
      sql`result = '{"forged":true}'`,
      sql`result = null`,
      sql`reason_code = 'NO_RESPONSE'`,
      sql`reason_message = 'forged'`,
      sql`settled_at = clock_timestamp() + interval '1 day'`,
    ]
    for (const attempt of attempts) {
      const refused = db.execute(sql`update ${executions} set ${attempt} where id = ${id}`)
      await expect(refused).rejects.toMatchObject({ cause: { message: expect.stringContaining('stays so') } })
    }
    expect(await readExecutions(domain.ctx, [id])).toEqual(settled)
  })

  it('the database refuses what is neither open nor settled', async () => {
    const { db } = domain.ctx
    const [id = ''] = await insertOpen(domain.ctx, thingId, [60_000])
    for (const attempt of [sql`status = 'FAILED'`, sql`settled_at = now()`, sql`result = '1'`, sql`ttl = 0`]) {
      const refused = db.execute(sql`update ${executions} set ${attempt} where id = ${id}`)
      await expect(refused).rejects.toMatchObject({ cause: { code: '23514' } })
    }
  })
})
