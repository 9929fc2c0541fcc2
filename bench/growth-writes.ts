/** Sends and settlings as the service does them, in batches of 100: their rate, and the bytes that they leave behind. */
import { settleExecutions } from '../src/domain/settle.ts'
import { cleanOpenExecutions } from '../src/domain/upkeep.ts'
import { ACTIONS, type Bench, THINGS } from './growth-data.ts'
import { type Figure, figureOf, timed } from './growth-pages.ts'

const BATCH = 100
/** So many are open at a time: answers come in another order than the requests. */
const OPEN = 500
/** How often production's autovacuum would look, in rows at some thousand a second. */
const CLEAN_EVERY = 50_000

const random = (below: number): number => Math.floor(Math.random() * below)

const SEND = `
  with given as (select uuid_v7(clock_timestamp()) as id, draft.* from json_to_recordset($1::text::json) as draft(
    "thingId" text, action text, params jsonb, ttl integer))
  insert into executions (id, command_id, thing_id, action, params, ttl, expires_at)
  select id, id, "thingId", action, params, ttl, now() + make_interval(secs => ttl) from given returning id`

/** Stores a batch of open executions, and returns their ids. */
export async function sendBatch({ ctx }: Bench, size = BATCH, ttl = 3_600): Promise<string[]> {
  const drafts = Array.from({ length: size }, () => ({
    thingId: `thermostat-${String(random(THINGS)).padStart(6, '0')}`,
    action: ACTIONS[random(ACTIONS.length)],
    params: { value: 20 + random(10) },
    ttl,
  }))
  return (await ctx.run<{ id: string }>(SEND, [JSON.stringify(drafts)])).map(({ id }) => id)
}

async function settleBatch({ ctx }: Bench, ids: readonly string[]): Promise<void> {
  const settled = await settleExecutions(
    ctx,
    ids.map((executionId, n) =>
      n % 10 === 0
        ? { executionId, status: 'TIMED_OUT', reason: { code: 'NO_RESPONSE', message: null } }
        : { executionId, status: 'SUCCEEDED', result: { ok: true } },
    ),
  )
  if (settled.length !== ids.length) throw new Error(`${settled.length} of ${ids.length} settled`)
}

/** A flow of commands, of which it settles as many as it sends. */
export function startFlow(bench: Bench) {
  const open: string[] = []
  return async (): Promise<void> => {
    open.push(...(await sendBatch(bench)))
    if (open.length < OPEN) return
    const some = Array.from({ length: BATCH }, () => open.splice(random(open.length), 1)[0] ?? '')
    await settleBatch(bench, some)
  }
}

/** Milliseconds for a batch sent and a batch settled, in both, in turns of 50. */
export async function measureRates(
  empty: Bench,
  large: Bench,
  turns: number,
): Promise<{ empty: Figure; large: Figure }> {
  const flows = [empty, large].map((bench) => ({ step: startFlow(bench), times: [] as number[] }))
  for (const { step } of flows) for (let n = 0; n < OPEN / BATCH; n++) await step()
  for (let turn = 0; turn < turns; turn++) {
    for (const { step, times } of flows) for (let n = 0; n < 50; n++) times.push((await timed(step))[0])
  }
  const [ofEmpty, ofLarge] = flows.map(({ times }) => figureOf(times))
  if (!ofEmpty || !ofLarge) throw new Error('two flows were measured')
  return { empty: ofEmpty, large: ofLarge }
}

export interface Bytes {
  table: string
  bytes: number
}

/** Bytes for each execution after so many have been sent and settled: the rows, each index, and what the open ones occupy. */
export async function measureBytes(bench: Bench, rows: number): Promise<Bytes[]> {
  const step = startFlow(bench)
  for (let sent = 0; sent < rows; sent += BATCH) {
    await step()
    if (sent % CLEAN_EVERY === 0) await cleanOpenExecutions(bench.ctx)
  }
  return bench.sql<Bytes[]>`
    select regexp_replace(relname, '_\\d{8}', '') as table,
      (sum(pg_relation_size(oid)) / (select count(*) from executions_settled))::float8 as bytes
    from pg_class where relkind in ('r', 'i') and relname like 'executions%' group by 1 having sum(pg_relation_size(oid)) > 0
    order by 1`
}
