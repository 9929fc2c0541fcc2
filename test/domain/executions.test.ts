/** Executions that are asked for together are read together. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isDatabaseUnavailable } from '../../src/db/errors.ts'
import { createExecutionReader } from '../../src/domain/executions.ts'
import { settleExecutions } from '../../src/domain/settle.ts'
import { type Domain, insertOpen, openDomain } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

describe('an execution is found', () => {
  let domain: Domain
  const thingId = uniqueName('door')

  beforeAll(async () => {
    domain = await openDomain()
  })
  afterAll(() => domain.stop())

  it('open or settled, among many, in two statements', async () => {
    const { ctx } = domain
    const ids = await insertOpen(ctx, thingId, Array(400).fill(60_000))
    const [first = '', second = ''] = ids
    await settleExecutions(ctx, [{ executionId: first, status: 'SUCCEEDED', result: { locked: true } }])
    let statements = 0
    const findExecution = createExecutionReader((text, parameters) => {
      statements += 1
      return ctx.run(text, parameters)
    })
    const absent = '01900000-0000-7000-8000-000000000000'
    const asked = [...ids, absent, 'no UUID', '', second.toUpperCase(), first]
    const found = await Promise.all(asked.map(findExecution))
    expect(found.map((one) => one?.id)).toEqual([...ids, undefined, undefined, undefined, second, first])
    expect(found[0]).toMatchObject({ status: 'SUCCEEDED', result: { locked: true }, settledAt: expect.any(Date) })
    expect(found[1]).toMatchObject({ status: 'SENT', settledAt: null, thingId })
    expect(statements).toBeLessThanOrEqual(2)
  })

  it('or the database is said to be away, where it does not answer', async () => {
    let begin = () => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const findExecution = createExecutionReader(() => {
      begin()
      return new Promise(() => {})
    })
    const [id = ''] = await insertOpen(domain.ctx, thingId, [60_000])
    const ask = () => findExecution(id).catch((error: unknown) => error)
    const underWay = ask()
    await begun
    const failures = await Promise.all([underWay, ask()])
    expect(failures.map(isDatabaseUnavailable)).toEqual([true, true])
  })
})
