/** Databases of their own for `bench/growth.ts`: made, filled on the server's side, and dropped. */
import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { createLogger } from '../src/base/log.ts'
import { createMetrics } from '../src/base/metrics.ts'
import { openPostgres, type Store } from '../src/db/connect.ts'
import type { Context } from '../src/domain/context.ts'
import { createLive } from '../src/domain/live.ts'

export interface Bench {
  /** As much of the domain's context as storing, settling and listing need. */
  ctx: Context
  sql: postgres.Sql
  drop(): Promise<void>
}

const SERVER = process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const WEEKS = 8

export const THINGS = 10_000
export const ACTIONS = Array.from({ length: 10 }, (_, n) => `setTemperatur${n}`)
/** Ten executions have it, all of one status. */
export const RARE_ACTION = 'selfDestruct'

/** A new database with the current schema. */
export async function createBench(): Promise<Bench> {
  const name = `fc_growth_${randomBytes(5).toString('hex')}`
  await administer((admin) => admin`create database ${admin(name)}`)
  const url = new URL(SERVER)
  url.pathname = `/${name}`
  const store = await openPostgres(url.href, 'fleet-commands-bench-4000')
  const sql = postgres(url.href, { max: 4, onnotice: () => {} })
  const drop = async () => {
    await sql.end()
    await store.close()
    await administer((admin) => admin`drop database ${admin(name)} with (force)`)
  }
  return { ctx: contextOf(store), sql, drop }
}

function contextOf(store: Store): Context {
  const { db, run } = store
  const log = createLogger('warn')
  // What these measurements do not use is not there.
  const metrics = createMetrics()
  return { db, run, log, metrics, live: createLive(), replica: 'fleet-commands-bench-4000' } as unknown as Context
}

async function administer(run: (admin: postgres.Sql) => Promise<unknown>): Promise<void> {
  const admin = postgres(SERVER, { max: 1, onnotice: () => {} })
  await run(admin).finally(() => admin.end())
}

/** So many executions over the last eight weeks, one partition for each; one in 500 is open. */
export async function fill({ sql }: Bench, rows: number): Promise<void> {
  await weekly(sql)
  for (let from = 0; from < rows; from += 250_000) await fillPart(sql, from, Math.min(rows, from + 250_000), rows)
  await sql`vacuum analyze executions_open`
  await sql`analyze executions`
  await sql`vacuum executions_settled`
}

/** Replaces the first partition by one for each week. */
async function weekly(sql: postgres.Sql): Promise<void> {
  const old = await sql<{ relname: string }[]>`
    select relname from pg_class where relkind = 'r' and relname ~ '^(executions|ignored_responses)_until_'`
  for (const { relname } of old) await sql`drop table ${sql(relname)}`
  for (let week = -WEEKS; week <= 3; week++) {
    const [range] = await sql<{ end: string; from: string; to: string }[]>`
      with week as (select date_trunc('week', now(), 'UTC') + make_interval(weeks => ${week}) as monday)
      select to_char(monday at time zone 'UTC', 'YYYYMMDD') as end, lowest_uuid_v7(monday - interval '1 week')::text as from,
        lowest_uuid_v7(monday)::text as to from week`
    if (!range) throw new Error('no range')
    const from = week === -WEEKS ? 'minvalue' : `'${range.from}'`
    for (const [parent, prefix] of [
      ['executions_settled', 'executions_until_'],
      ['ignored_responses', 'ignored_responses_until_'],
    ]) {
      await sql.unsafe(
        `create table ${prefix}${range.end} partition of ${parent} for values from (${from}) to ('${range.to}')`,
      )
    }
  }
}

/** Every thousandth row begins a command that the next 99 have in common with it. */
async function fillPart(sql: postgres.Sql, from: number, to: number, rows: number): Promise<void> {
  await sql`
    insert into executions (id, command_id, created_at, expires_at, settled_at, updated_at, status, ttl, thing_id, thing_type,
      action, params, result, reason_code, settled_by)
    select id, case when i % 1000 < 100 then lpad(to_hex(i / 1000 + 1), 32, '0')::uuid else id end, at, at + interval '30 s',
      case when status <> 'SENT' then settled_at end, case when status <> 'SENT' then settled_at else at end, status, 30,
      'thermostat-' || lpad((i::bigint * 7919 % ${THINGS})::text, 6, '0'), 'com.example.type' || i::bigint * 7919 % ${THINGS} % 3,
      case when i % (${rows} / 10) = 1 then ${RARE_ACTION} else 'setTemperatur' || hash % 10 end,
      jsonb_build_object('value', 20 + i % 10), case when status = 'SUCCEEDED' then '{"ok": true}'::jsonb end,
      case when status = 'TIMED_OUT' then 'NO_RESPONSE' end, case when status <> 'SENT' then 'fleet-commands-bench-4000' end
    from (
      select i, at, uuid_v7(at) as id, abs(hashint4(i)) as hash,
        -- Answers after some 50 ms, half of them; one in a hundred after more than a second.
        least(now(), at + interval '50 ms' * exp(1.3 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))) as settled_at, (case
        when i % 500 = 0 then 'SENT' when i % 20 = 3 then 'TIMED_OUT' when i % 33 = 5 then 'FAILED'
        when i % 67 = 7 then 'REJECTED' when i % 200 = 9 then 'CANCELED' else 'SUCCEEDED' end)::execution_status as status
      from (select i, now() - interval '8 weeks' * (1 - i::float8 / ${rows}) as at
        from generate_series(${from}::int, ${to - 1}::int) as i) as rows
    ) as executions order by i`
}
