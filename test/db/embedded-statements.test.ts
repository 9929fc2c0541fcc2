import { PGlite } from '@electric-sql/pglite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareStatements } from '../../src/db/embedded-statements.ts'
import type { RunStatement } from '../../src/db/statement.ts'

let client: PGlite
let run: RunStatement

beforeAll(async () => {
  client = await PGlite.create()
  run = prepareStatements(client)
})

afterAll(() => client.close())

describe('a statement of the embedded database', () => {
  it('gives what it is given, whatever that is', async () => {
    const text = fc
      .oneof(fc.string({ unit: 'binary' }), fc.constantFrom("'", "''", "\\'", "'; drop table t; --", '$1', '$$', ''))
      .filter((one) => !one.includes('\0'))
    await fc.assert(
      fc.asyncProperty(text, fc.option(text), fc.integer(), fc.jsonValue(), async (one, other, number, json) => {
        const rows = await run('select $1::text as one, $2::text as other, $3::int as number, $4::text::json as json', [
          one,
          other,
          number,
          JSON.stringify(json),
        ])
        expect(rows).toEqual([{ one, other, number, json: JSON.parse(JSON.stringify(json)) }])
      }),
    )
  })

  it('refuses a NUL as Postgres does, and what it cannot read by its code', async () => {
    await expect(run('select $1::text as one', ["a\0'; select 1; --"])).rejects.toMatchObject({ code: '22021' })
    await expect(run('select $1::uuid as one', ['no uuid'])).rejects.toMatchObject({ code: '22P02' })
    expect(await run('select $1::text as one', ['still here'])).toEqual([{ one: 'still here' }])
  })

  it('that cannot be prepared is tried again', async () => {
    const select = 'select made_later.* from made_later'
    await expect(run(select, [])).rejects.toMatchObject({ code: '42P01' })
    await client.exec('create table made_later (id int); insert into made_later values (1)')
    expect(await run(select, [])).toEqual([{ id: 1 }])
  })

  it('is planned anew from time to time, and the plan before is given up, also where many run at once', async () => {
    await using fresh = await PGlite.create()
    const runAnew = prepareStatements(fresh, 0)
    const preparedAt = async () =>
      (await fresh.query<{ at: Date }>('select prepare_time as at from pg_prepared_statements')).rows.map(({ at }) =>
        at.getTime(),
      )
    await runAnew('select $1::text as value', ['first'])
    const [first = Number.NaN] = await preparedAt()
    for (let round = 0; round < 20; round++) {
      const values = Array.from({ length: 10 }, (_, index) => `${round}-${index}`)
      const rows = await Promise.all(values.map((value) => runAnew('select $1::text as value', [value])))
      expect(rows).toEqual(values.map((value) => [{ value }]))
    }
    const prepared = await preparedAt()
    expect(prepared).toHaveLength(1)
    expect(prepared[0]).toBeGreaterThan(first)
  })
})
