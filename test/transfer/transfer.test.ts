/** From the embedded database to a file, and from there to whichever the suite runs on: everything, exactly, in spite of interruptions. */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Store } from '../../src/db/connect.ts'
import { createPartitionFor } from '../../src/db/partitions.ts'
import { lowestIdAt } from '../../src/db/uuid.ts'
import { exportRows } from '../../src/transfer/export.ts'
import { TABLES } from '../../src/transfer/format.ts'
import { type Backend, createBackend } from '../support/backend.ts'
import { runCli, startCli } from '../support/cli.ts'
import { withStore } from '../support/store.ts'
import { fillDatabase } from '../support/transfer-data.ts'

/** The round trip of a million is TRANSFER_ROWS=1000000. */
const ROWS = Number(process.env['TRANSFER_ROWS'] ?? 4_000)
/** For what goes through all rows. */
const TIMEOUT_MS = 120_000 + ROWS

const cwd = mkdtempSync(join(tmpdir(), 'fc-transfer-'))
const source = embedded()
const file = join(cwd, 'all.ndjson')

beforeAll(async () => {
  await withStore(source, async (store) => {
    await createPartitionFor(store.db, 'month', lowestIdAt(Date.UTC(2061, 6)))
    await fillDatabase(store, ROWS)
  })
  expect(await run(source, ['export', '--out', file])).toMatchObject({ code: 0, stdout: '' })
}, TIMEOUT_MS)

afterAll(() => rmSync(cwd, { recursive: true, force: true }))

describe('export and import', () => {
  it('know every column of every table', async () => {
    const found = await withStore(source, ({ run }) =>
      run<{ table: string; columns: string[] }>(
        `select relname as table, array_agg(attname::text order by attname) as columns
        from pg_class join pg_attribute on attrelid = pg_class.oid
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and attnum > 0 and not attisdropped
          and relname not like 'execution_stats%' -- These are counted from the executions.
        group by relname`,
        [],
      ),
    )
    const known = TABLES.map(({ name, columns }) => ({ table: name, columns: columns.map((one) => one.name).sort() }))
    expect(byName(known)).toEqual(byName(found))
  })

  it(
    'carry each row over exactly, to either database, and back into the same file',
    async () => {
      const target = await createBackend()
      const compressed = join(cwd, 'target.ndjson.gz')
      expect(await run(target, ['import', file])).toMatchObject({ code: 0 })
      expect(await digest(target)).toEqual(await digest(source))
      await run(target, ['export', '--out', compressed])
      expect(digestOfLines(gunzipSync(readFileSync(compressed)))).toEqual(digestOfLines(readFileSync(file)))
      // What is there already is left as it is; what is open must not become it once more after it was settled.
      await withStore(target, ({ run }) => run(SETTLE_ONE, []))
      const before = await digest(target)
      const again = await run(target, ['import', compressed])
      expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(/; 0 stored, [\d]+ were there already\n$/) })
      expect(await digest(target)).toEqual(before)
      await target.dispose()
    },
    TIMEOUT_MS * 2,
  )

  it(
    'go on after a kill -9 in the middle of an import',
    async () => {
      const target = await createBackend()
      const content = readFileSync(file)
      const importing = startCli(['import', '-'], { cwd, env: envOf(target), stdin: true })
      const { stdin } = importing.process
      // Handed over: it has read all but what a pipe holds, and it reads on when it has stored what it read.
      await new Promise((resolve) => stdin?.write(content.subarray(0, content.length * 0.7), resolve))
      expect(await importing.stop('SIGKILL')).toBe(null)
      const { executions } = await digest(target)
      expect(executions?.count).toBeGreaterThan(0)
      expect(executions?.count).toBeLessThan(ROWS)
      expect(await run(target, ['import', file])).toMatchObject({ code: 0 })
      expect(await digest(target)).toEqual(await digest(source))
      await target.dispose()
    },
    TIMEOUT_MS,
  )

  it(
    'go on with the file of an interrupted export, wherever that ended',
    async () => {
      const content = readFileSync(file)
      const partial = join(cwd, 'partial.ndjson')
      const headerEnd = content.indexOf('\n') + 1
      for (const end of [headerEnd, headerEnd + 10, content.length >> 1, content.length - 5]) {
        writeFileSync(partial, content.subarray(0, end))
        expect(await run(source, ['export', '--out', partial, '--continue'])).toMatchObject({ code: 0 })
        expect(readFileSync(partial).equals(content)).toBe(true)
      }
      const complete = await run(source, ['export', '--out', partial, '--continue'])
      expect(complete).toMatchObject({ code: 0, stderr: expect.stringContaining('complete already') })
    },
    TIMEOUT_MS,
  )

  it(
    'read no more from the database than the reader takes',
    async () => {
      await withStore(source, async ({ run: runStatement }) => {
        let read = 0
        let written = 0
        let furthest = 0
        const counted: Store['run'] = (text, parameters) => {
          read++
          return runStatement(text, parameters)
        }
        const slow = new Writable({
          write(_chunk, _encoding, done) {
            written++
            furthest = Math.max(furthest, read - written)
            setTimeout(done, 20)
          },
        })
        await exportRows(counted, [slow])
        expect(written).toBeGreaterThanOrEqual(ROWS / 1_000)
        // Those that found the end of a table are written as nothing.
        expect(furthest).toBeLessThanOrEqual(TABLES.length + 2)
      })
    },
    TIMEOUT_MS,
  )
})

describe('what cannot be done ends in one line', () => {
  const target = embedded()
  const header = () => firstLine(readFileSync(file)).toString()
  const thing = (id: string, more: object = {}) =>
    JSON.stringify({ table: 'things', id, client_id: id, tags: [], created_at: NOW, updated_at: NOW, ...more })
  const NOW = '2026-01-01T00:00:00.000Z'

  const cases: [string, () => string, RegExp][] = [
    ['nothing', () => '', /^line 1: got "", expected the header of an export/],
    ['another file', () => '{"name": "x"}\n', /^line 1: got "{.*}", expected the header of an export/],
    [
      'a newer version',
      () => header().replace('"version":1', '"version":2'),
      /^line 1: got version 2, expected version 1: .* newer Fleet Commands/,
    ],
    [
      'a column of a newer version',
      () => header().replace('"client_id"', '"client_id","colour"'),
      /^line 1: got a column "colour" of things, expected only what this version has/,
    ],
    ['a cut line', () => `${header()}\n${thing('t1')}\n{"table":"thi`, /^line 3: got "{.*", expected a row/],
    ['a cut file', () => `${header()}\n${thing('t2')}\n`, /^line 3: got the end of the file, expected .* cut off/],
    [
      'a line missing',
      () => `${header()}\n${thing('t3')}\n{"end":{"things":2}}\n`,
      /^line 3: got 1 rows of things, expected 2: lines are missing/,
    ],
    [
      'a table it has not',
      () => `${header()}\n{"table":"trains"}\n`,
      /^line 2: got a row of "trains", expected a table: /,
    ],
    ['no key', () => `${header()}\n{"table":"executions","id":"1"}\n`, /^line 2: got "1", expected a UUID as id/],
    [
      'a row that the database refuses',
      () => `${header()}\n${thing('t4')}\n${thing('t5', { client_id: 't4' })}\n${thing('t6')}\n{"end":{"things":3}}\n`,
      /^line 3: got a row of things that is refused \(.*things_client_id.*\), expected one that fits/,
    ],
  ]

  it.each(cases)('%s', async (name, content, expected) => {
    const bad = join(cwd, `${name}.ndjson`)
    writeFileSync(bad, content())
    expectOneLine(await run(target, ['import', bad]), expected)
  })

  it('and what was good before it stays', async () => {
    const things = await withStore(target, ({ run }) => run<{ id: string }>('select id from things order by id', []))
    expect(things.map(({ id }) => id)).toEqual(['t1', 't2', 't3', 't4'])
  })

  it('a compressed file that was cut', async () => {
    const cut = join(cwd, 'cut.ndjson.gz')
    writeFileSync(cut, gzipSync(readFileSync(file)))
    truncateSync(cut, 20_000)
    expectOneLine(await run(target, ['import', cut]), /line \d+: got what cannot be decompressed \(.*\), expected/)
  })

  it('a file that is there, or that is not; a folder without a database', async () => {
    const absent = join(cwd, 'absent')
    expectOneLine(await run(source, ['export', '--out', file]), /^--out: got .*, which exists; expected .*--continue/)
    expectOneLine(
      await run(source, ['export', '--out', absent, '--continue']),
      /^--continue: got --out .*, expected a file/,
    )
    expectOneLine(await run(source, ['import', absent]), /absent: ENOENT.*expected the file of an export/)
    const nothing = { ...source, settings: { ...source.settings, dataDir: absent } }
    expectOneLine(await run(nothing, ['export']), /^DATA_DIR: got .*no database; expected/)
    expect(existsSync(absent)).toBe(false)
  })

  it(
    'a service that runs on the folder',
    async () => {
      const env = { ...envOf(source), PORT: '0', MQTT_PORT: '0', LOG_LEVEL: 'warn' }
      const serving = startCli(['serve'], { cwd, env })
      await serving.shows(/is running/)
      const refusal = /^DATA_DIR: got .*, which process \d+ is using; expected .*stop that one first/
      expectOneLine(await run(source, ['export', '--out', '-']), refusal)
      expectOneLine(await run(source, ['import', file]), refusal)
      await serving.stop()
    },
    TIMEOUT_MS,
  )

  it('a reader that goes away', async () => {
    const exporting = startCli(['export'], { cwd, env: envOf(source) })
    exporting.process.stdout?.destroy()
    expect(await exporting.exited).toBe(1)
    expect(exporting.stderr()).toMatch(/^--out: got a reader that went away before the end, expected [^\n]+\n$/)
  })

  function expectOneLine({ code, stdout, stderr }: Awaited<ReturnType<typeof runCli>>, expected: RegExp): void {
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^[^\n]+\n$/)
    expect(stderr.trim()).toMatch(expected)
  }
})

const SETTLE_ONE = `
  with taken as (delete from executions_open where id = (select id from executions_open order by id desc limit 1) returning *)
  insert into executions_settled select * from (select (json_populate_record(null::executions_settled, (to_jsonb(taken) || jsonb_build_object('status', 'CANCELED', 'settled_at', created_at))::json)).* from taken) as settled`

/** An embedded database of its own, whatever the suite runs on. */
function embedded(): Backend {
  const dataDir = mkdtempSync(join(cwd, 'data-'))
  cpSync(inject('templateDataDir'), dataDir, { recursive: true })
  const settings = { databaseUrl: undefined, mqttUrl: undefined, dataDir, mqttClientId: 'transfer' }
  return { settings, dispose: async () => rmSync(dataDir, { recursive: true, force: true }) }
}

const envOf = ({ settings: { databaseUrl, dataDir } }: Backend) => ({
  DATA_DIR: dataDir,
  ...(databaseUrl && { DATABASE_URL: databaseUrl }),
})

const run = (backend: Backend, args: string[]) => runCli(args, { cwd, env: envOf(backend) })

/** Of all columns of all rows, by the database itself: how many, and the sum of their hashes. */
async function digest(backend: Backend): Promise<Record<string, { count: number; sum: string }>> {
  return withStore(backend, ({ db }) =>
    db.transaction(async (tx) => {
      await tx.execute(sql`set local time zone 'UTC'`)
      await tx.execute(sql`set local statement_timeout = 0`)
      const tables: Record<string, { count: number; sum: string }> = {}
      for (const { name } of TABLES) {
        const [row] = await tx
          .select({
            count: sql<number>`count(*)::integer`,
            sum: sql<string>`coalesce(sum(hashtextextended(to_jsonb(rows)::text, 0)), 0)::text`,
          })
          .from(sql`${sql.identifier(name)} as rows`)
        if (row) tables[name] = row
      }
      return tables
    }),
  )
}

/** Without the header, which holds the time. Databases compare text differently, so the order of rows may be another one. */
const firstLine = (content: Buffer): Buffer => content.subarray(0, content.indexOf('\n'))

/** Of all but the first, in whatever order. Of a million rows no string can be made. */
function digestOfLines(content: Buffer): { count: number; sum: bigint } {
  let count = 0
  let sum = 0n
  for (let from = content.indexOf('\n') + 1; from < content.length; count++) {
    const to = content.indexOf('\n', from)
    sum += createHash('sha256').update(content.subarray(from, to)).digest().readBigUInt64BE()
    from = to + 1
  }
  return { count, sum }
}

const byName = (tables: { table: string }[]) => [...tables].sort((one, other) => (one.table < other.table ? -1 : 1))
