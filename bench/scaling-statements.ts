/** What the two statements of a command cost the database, by the size of the batch: the service's own, without the service. */
import type postgres from 'postgres'
import { settleExecutions } from '../src/domain/settle.ts'
import { createExecutionStore, type Draft } from '../src/domain/store-execution.ts'
import { COMMANDS, THING_TYPE, thingName } from './fleet.ts'
import { type Bench, createBench } from './growth-data.ts'
import { backendsCpu } from './scaling-stack.ts'
import { machineCpu } from './scaling-windows.ts'

export interface StatementFigures {
  batch: number
  /** Milliseconds from asking to answer, one at a time; the middle one. */
  storeMs: number
  settleMs: number
  /** CPU microseconds of the connection for each statement. */
  storeCpu: number
  settleCpu: number
  /** CPU microseconds of this process, which asks, for each statement. */
  storeAsking: number
  settleAsking: number
  /** Commands a second with both at work at a time, as the service has them, in batches of just this size. */
  together: number
  /** Cores that others took meanwhile. */
  othersCores: number
}

const THINGS = 1_000
const SECONDS = 1

export async function measureStatements(sizes: readonly number[]): Promise<StatementFigures[]> {
  const bench = await createBench()
  try {
    const drafts = await registerThings(bench)
    for (let n = 0; n < 40; n++) await settle(bench, await store(bench, drafts, 50))
    await bench.sql`vacuum analyze`
    const figures: StatementFigures[] = []
    for (const batch of sizes) figures.push(await measureSize(bench, drafts, batch))
    return figures
  } finally {
    await bench.drop()
  }
}

let count = 0

async function registerThings({ sql }: Bench): Promise<() => Draft> {
  await sql`insert into thing_types (name, version, commands) values (${THING_TYPE}, '1.0.0', ${JSON.stringify(COMMANDS)}::text::jsonb)`
  await sql`insert into things (id, client_id, thing_type, tags) select name, name, ${THING_TYPE}, '{}' from unnest(${Array.from(
    { length: THINGS },
    (_, number) => thingName(number),
  )}::text[]) as name`
  const [row] = await sql<{ thing: string; type: string }[]>`
    select things.xmin::text as thing, thing_types.xmin::text as type from things, thing_types limit 1`
  const revisions = { thingRevision: row?.thing ?? '', typeRevision: row?.type ?? '' }
  return () => {
    count += 1
    const params = { value: 5 + (count % 300) / 10 }
    return {
      thingId: thingName(count % THINGS),
      ...revisions,
      thingType: THING_TYPE,
      thingTypeVersion: '1.0.0',
      action: 'setTemperature',
      params,
      paramsText: JSON.stringify(params),
      ttl: 60,
      requestedBy: null,
      requestedFrom: null,
      idempotencyKey: `bench-${count}`,
      fingerprint: count.toString(16).padStart(64, '0'),
    }
  }
}

/** All that is asked for in one turn is one batch, up to 250. */
async function store({ ctx }: Bench, draft: () => Draft, size: number): Promise<string[]> {
  const put = createExecutionStore(ctx.run, ctx.metrics)
  const stored = await Promise.all(Array.from({ length: size }, () => put(draft())))
  return stored.map((execution) => {
    if (!execution) throw new Error('an execution was not stored')
    return execution.id
  })
}

async function settle({ ctx }: Bench, ids: readonly string[]): Promise<void> {
  const result = { currentTemperature: 21 }
  const settled = await settleExecutions(
    ctx,
    ids.map((executionId) => ({ executionId, status: 'SUCCEEDED', result })),
  )
  if (settled.length !== ids.length) throw new Error(`${settled.length} of ${ids.length} settled`)
}

async function measureSize(bench: Bench, draft: () => Draft, batch: number): Promise<StatementFigures> {
  const open: string[][] = []
  const storing = await repeat(bench.sql, async () => void open.push(await store(bench, draft, batch)))
  const settling = await repeat(bench.sql, () => settle(bench, open.shift() ?? []), open.length)
  return {
    batch,
    storeMs: storing.ms,
    storeCpu: storing.cpu,
    storeAsking: storing.asking,
    settleAsking: settling.asking,
    settleMs: settling.ms,
    settleCpu: settling.cpu,
    ...(await measureTogether(bench, draft, batch)),
  }
}

async function repeat(sql: postgres.Sql, step: () => Promise<void>, times = Number.POSITIVE_INFINITY) {
  const before = await backendsCpu(sql)
  const usage = process.cpuUsage()
  const taken: number[] = []
  const end = performance.now() + SECONDS * 1000
  while (taken.length < times && (performance.now() < end || times < Number.POSITIVE_INFINITY)) {
    const began = performance.now()
    await step()
    taken.push(performance.now() - began)
  }
  const { user, system } = process.cpuUsage(usage)
  const cpu = ((await backendsCpu(sql)) - before) / taken.length
  const asking = (user + system) / taken.length
  return { asking, cpu, ms: taken.sort((a, b) => a - b)[taken.length >> 1] ?? Number.NaN }
}

/** While one batch is stored, the one before it is settled: on two connections, at the same time. */
async function measureTogether(bench: Bench, draft: () => Draft, batch: number) {
  let open = await store(bench, draft, batch)
  let settled = 0
  const usage = process.cpuUsage()
  const before = machineCpu() - (await backendsCpu(bench.sql))
  const began = performance.now()
  while (performance.now() < began + SECONDS * 1000) {
    const [stored] = await Promise.all([store(bench, draft, batch), settle(bench, open)])
    settled += open.length
    open = stored
  }
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(usage)
  const others = machineCpu() - (await backendsCpu(bench.sql)) - before - user - system
  await settle(bench, open)
  return { together: settled / seconds, othersCores: others / 1_000_000 / seconds }
}
