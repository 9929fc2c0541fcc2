/** Every filter of executions, alone and in pairs, against a model in memory. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Execution, ExecutionStatus } from '../../src/domain/execution.ts'
import { type ExecutionFilter, matchesFilter } from '../../src/domain/filter.ts'
import { listExecutions } from '../../src/domain/list-executions.ts'
import { type Backend, createBackend } from '../support/backend.ts'
import { seedExecutions } from '../support/executions.ts'
import { uniqueName } from '../support/names.ts'
import { type Service, startService } from '../support/service.ts'
import { withStore } from '../support/store.ts'

const STATUSES: ExecutionStatus[] = ['SENT', 'SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED']
const THINGS = ['a', 'b', 'c'].map(uniqueName)
const ACTIONS = ['reboot', 'set °C', 'x'.repeat(128)]
const COMMANDS = [1, 2, 3, 4].map((n) => `0190163d-8694-739b-aea5-966c26f8ad9${n}`)
const START = Date.parse('2025-05-28T08:00:00.000Z')
const instant = (milliseconds: number) => new Date(START + milliseconds).toISOString()
const NOTHING = ['', 'none', '\u0000', `${THINGS[0]}\u0000`, '\ud800', '%', "' or true --"]

/** Every thing, action and status, two at each millisecond, and one that is rounded up to the next. */
const ROWS = Array.from({ length: 54 }, (_, n) => ({
  thingId: THINGS[n % 3] ?? '',
  action: ACTIONS[Math.floor(n / 3) % 3] ?? '',
  status: STATUSES[Math.floor(n / 9)] ?? 'SENT',
  commandId: COMMANDS[n % 4] ?? '',
  createdAt: instant(n >> 1),
})).concat({
  thingId: THINGS[0] ?? '',
  action: '\ufffd',
  status: 'SENT',
  commandId: COMMANDS[0] ?? '',
  createdAt: '2025-05-28T08:00:00.0106Z',
})

const listOf = <T>(...members: T[]) =>
  fc.option(fc.array(fc.constantFrom(...members), { maxLength: 4 }), { nil: undefined, freq: 3 })
const moment = fc.option(
  fc.oneof(
    fc.integer({ min: -2, max: 30 }).map((n) => new Date(START + n)),
    fc
      .constantFrom('0000-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z')
      .map((t) => new Date(t)),
  ),
)
const anyFilter: fc.Arbitrary<ExecutionFilter> = fc.record(
  {
    thingId: listOf(...THINGS, ...NOTHING),
    action: listOf(...ACTIONS, ...NOTHING),
    status: listOf(...STATUSES),
    commandId: listOf(...COMMANDS, ...COMMANDS.map((id) => id.toUpperCase()), ...NOTHING),
    createdAt: fc.option(fc.record({ from: moment, to: moment })),
  },
  { requiredKeys: [] },
)

describe('the filter of executions', () => {
  let backend: Backend
  let rows: Execution[]

  beforeAll(async () => {
    backend = await createBackend()
  })

  afterAll(async () => {
    await backend.dispose()
  })

  it('says the same of a stored row and of a live one', () =>
    withStore(backend, async (store) => {
      rows = await seedExecutions(store, ROWS)
      const agree = fc.asyncProperty(anyFilter, async (filter) => {
        const found = await listExecutions(store, filter, { limit: 1000, inverted: false })
        expect(found).toEqual(rows.filter((row) => matchesFilter(row, filter)))
      })
      await fc.assert(agree, { numRuns: 300 })
    }))

  describe('of the API', () => {
    let service: Service

    beforeAll(async () => {
      service = await startService({ backend })
    })

    afterAll(() => service.stop())

    it('finds what the model finds, for each member and each pair of them', async () => {
      const members: Record<string, [unknown, (row: Execution) => boolean][]> = {
        thingId: [
          [THINGS[1], ({ thingId }) => thingId === THINGS[1]],
          [[THINGS[0], THINGS[2], 'none'], ({ thingId }) => thingId !== THINGS[1]],
        ],
        action: [
          [ACTIONS[1], ({ action }) => action === ACTIONS[1]],
          [[ACTIONS[0], ACTIONS[2]], ({ action }) => action === ACTIONS[0] || action === ACTIONS[2]],
        ],
        status: [
          ['SENT', ({ status }) => status === 'SENT'],
          [['FAILED', 'REJECTED', 'CANCELED'], ({ status }) => ['FAILED', 'REJECTED', 'CANCELED'].includes(status)],
        ],
        commandId: [
          [COMMANDS[3]?.toUpperCase(), ({ commandId }) => commandId === COMMANDS[3]],
          [COMMANDS.slice(0, 2), ({ commandId }) => COMMANDS.slice(0, 2).includes(commandId)],
        ],
        createdAt: [
          [{ from: instant(11) }, ({ createdAt }) => createdAt.getTime() >= START + 11],
          [{ to: instant(11) }, ({ createdAt }) => createdAt.getTime() < START + 11],
          [
            { from: instant(3), to: instant(20) },
            ({ createdAt }) => createdAt.getTime() >= START + 3 && createdAt.getTime() < START + 20,
          ],
        ],
      }
      const singles = Object.entries(members).flatMap(([name, cases]) =>
        cases.map(([value, fits]) => ({ name, value, fits })),
      )
      const pairs = singles.flatMap((a) => singles.filter((b) => b.name >= a.name).map((b) => [a, b] as const))
      const checks = pairs
        .filter(([a, b]) => a === b || a.name !== b.name)
        .map(async ([a, b]) => {
          const filter = { [a.name]: a.value, [b.name]: b.value }
          const expected = rows.filter((row) => a.fits(row) && b.fits(row)).map(({ id }) => id)
          expect({ filter, found: await find(filter) }).toEqual({ filter, found: expected })
        })
      expect(checks.length).toBeGreaterThan(50)
      await Promise.all(checks)
    })

    it('matches everything where a member is absent or null, and nothing where its list is empty', async () => {
      const all = rows.map(({ id }) => id)
      for (const filter of [
        null,
        {},
        { thingId: null, action: null, status: null, commandId: null, createdAt: null },
        { createdAt: {} },
        { createdAt: { from: null, to: null } },
      ]) {
        expect(await find(filter)).toEqual(all)
      }
      for (const filter of [
        { thingId: [] },
        { action: [] },
        { status: [] },
        { commandId: [] },
        { thingId: NOTHING },
        { commandId: ['1', THINGS[0]] },
      ]) {
        expect(await find(filter)).toEqual([])
      }
    })

    it('counts `from` in and `to` out, to the millisecond', async () => {
      const at = (from: number, to: number) => find({ createdAt: { from: instant(from), to: instant(to) } })
      const idsAt = (n: number) => rows.filter(({ createdAt }) => createdAt.getTime() === START + n).map(({ id }) => id)
      expect(idsAt(10)).toHaveLength(2)
      expect(idsAt(11)).toHaveLength(3)
      expect(await at(10, 11)).toEqual(idsAt(10))
      expect(await at(11, 12)).toEqual(idsAt(11))
      expect(await at(10, 12)).toEqual([...idsAt(11), ...idsAt(10)])
      expect(await at(10, 10)).toEqual([])
      expect(await at(12, 10)).toEqual([])
      expect(await find({ createdAt: { from: '2025-05-28T10:00:00.010+02:00', to: instant(11) } })).toEqual(idsAt(10))
    })

    it('refuses what is no filter', async () => {
      const bad = [
        { status: 'DONE' },
        { thingId: [null] },
        { createdAt: 'today' },
        { createdAt: { from: 'today' } },
        { createdAt: { from: '2025-05-28' } },
        { other: 1 },
      ]
      for (const filter of bad) {
        const { data, errors } = await service.request(
          'query ($f: ExecutionFilter) { executions(filter: $f) { nodes { id } } }',
          { f: filter },
        )
        expect({ filter, data, code: errors?.[0]?.extensions?.code }).toEqual({
          filter,
          data: undefined,
          code: 'BAD_USER_INPUT',
        })
      }
    })

    async function find(filter: unknown): Promise<string[]> {
      const { executions } = await service.query<{ executions: { nodes: { id: string }[] } }>(
        'query ($filter: ExecutionFilter) { executions(filter: $filter, first: 100) { nodes { id } } }',
        { filter },
      )
      return executions.nodes.map(({ id }) => id)
    }
  })
})
