import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cancelExecution } from '../../src/domain/cancel.ts'
import {
  causeOfIgnoring,
  type Execution,
  type ExecutionStatus,
  isSettled,
  isValidTtl,
  MAX_EVIDENCE,
  statusReason,
  type TerminalStatus,
} from '../../src/domain/execution.ts'
import { findIgnoredResponses } from '../../src/domain/executions.ts'
import type { IncomingResponse } from '../../src/domain/ports.ts'
import { applyResponses } from '../../src/domain/responses.ts'
import { settleExecutions } from '../../src/domain/settle.ts'
import { RESPONSE_STATUSES, type ResponseStatus } from '../../src/protocol/messages.ts'
import { ANYBODY } from '../support/caller.ts'
import { type Domain, incoming, insertOpen, openDomain, readExecutions } from '../support/domain.ts'
import { uniqueName } from '../support/names.ts'

const TERMINAL: TerminalStatus[] = [...RESPONSE_STATUSES, 'TIMED_OUT', 'CANCELED']
const THING = uniqueName('thing')

describe('the state of an execution, by itself', () => {
  it('every status but SENT is terminal', () => {
    const open = (['SENT', ...TERMINAL] satisfies ExecutionStatus[]).filter((status) => !isSettled({ status }))
    expect(open).toEqual(['SENT'])
  })

  it('a TTL is a whole number from 1 to 86,400', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer(), fc.integer({ min: -2, max: 86_402 })), (ttl) => {
        expect(isValidTtl(ttl)).toBe(ttl % 1 === 0 && ttl > 0 && ttl < 86_401)
      }),
    )
  })

  it('after a timeout or a cancel an answer is late, after an answer it is repeated', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TERMINAL), (status) => {
        const isAnswer = (RESPONSE_STATUSES as readonly string[]).includes(status)
        expect(causeOfIgnoring(status)).toBe(isAnswer ? 'REPEATED' : 'LATE')
      }),
    )
  })

  it('the reason is what was stored: its own message, or what its code means', () => {
    const reasonOf = (reasonCode: string | null, reasonMessage: string | null, status: ExecutionStatus = 'TIMED_OUT') =>
      statusReason({ status, reasonCode, reasonMessage } as Execution)
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z0-9_-]{1,64}$/), fc.option(fc.string()), (code, message) => {
        const reason = reasonOf(code, message)
        expect(reason?.code).toBe(code)
        if (message !== null) expect(reason?.message).toBe(message)
        expect(reasonOf(null, message)).toBeNull()
      }),
    )
    for (const code of ['NO_RESPONSE', 'NO_SUBSCRIBER']) expect(reasonOf(code, null)?.message).toMatch(/./)
    // A thing may use the same code; then it means whatever the thing means by it.
    expect(reasonOf('NO_RESPONSE', null, 'FAILED')?.message).toBeNull()
  })
})

type Step =
  | { kind: 'answer'; status: ResponseStatus; result: number; by: 'thing' | 'stranger' }
  | { kind: 'again'; of: number }
  | { kind: 'redelivery'; of: number }
  | { kind: 'garbage' }
  | { kind: 'timeout' | 'cancel' }

const answer: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('answer'),
  status: fc.constantFrom(...RESPONSE_STATUSES),
  result: fc.integer({ min: 0, max: 1 }),
  by: fc.oneof({ weight: 4, arbitrary: fc.constant('thing') }, { weight: 1, arbitrary: fc.constant('stranger') }),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: answer },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('again'), of: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('redelivery'), of: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('garbage') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('timeout', 'cancel') }) },
)

/** What the contract says of one execution, in a few lines. */
interface Model {
  status: ExecutionStatus
  result: number | null
  evidence: string[]
  /** Every answer of the thing itself, in the order in which they came first. */
  answers: { status: ResponseStatus; result: number }[]
}

function applyToModel(model: Model, given: Step): void {
  const earlier = given.kind === 'again' && model.answers[given.of % model.answers.length]
  if (earlier) hear(model, earlier)
  if (given.kind === 'answer' && given.by === 'thing') {
    model.answers.push(given)
    hear(model, given)
  }
  if (given.kind === 'garbage') model.evidence.push('MALFORMED null null')
  if (given.kind === 'timeout' && model.status === 'SENT') model.status = 'TIMED_OUT'
  if (given.kind === 'cancel' && model.status === 'SENT') model.status = 'CANCELED'
}

function hear(model: Model, { status, result }: { status: ResponseStatus; result: number }): void {
  if (model.status === 'SENT') Object.assign(model, { status, result })
  else model.evidence.push(`${causeOfIgnoring(model.status)} ${status} ${result}`)
}

function responseOf(id: string, given: Step, answers: Model['answers']): IncomingResponse | undefined {
  if (given.kind === 'garbage') return incoming(THING, id, { status: 'DONE' })
  if (given.kind === 'answer') {
    const { status, result, by } = given
    return incoming(by === 'thing' ? THING : 'stranger', id, { status, result })
  }
  if (given.kind !== 'again' && given.kind !== 'redelivery') return undefined
  const { status, result } = answers[given.of % answers.length] ?? {}
  return status && incoming(THING, id, { status, result }, given.kind === 'redelivery')
}

describe('the domain does what the model says', () => {
  let domain: Domain

  beforeAll(async () => {
    domain = await openDomain()
  })

  afterAll(() => domain.stop())

  async function applyToDomain(id: string, given: Step, { answers }: Model): Promise<void> {
    const { ctx } = domain
    if (given.kind === 'timeout') await settleExecutions(ctx, [{ executionId: id, status: 'TIMED_OUT' }])
    if (given.kind === 'cancel') await cancelExecution(ctx, ANYBODY, id)
    const response = responseOf(id, given, answers)
    if (response) await applyResponses(ctx, [response])
  }

  it('for any sequence of answers, repetitions, redeliveries, forgeries, garbage, timeouts and cancels', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: MAX_EVIDENCE }), async (steps) => {
        const [id = ''] = await insertOpen(domain.ctx, THING, [60_000])
        const model: Model = { status: 'SENT', result: null, evidence: [], answers: [] }
        let settledAt: Date | null = null
        for (const given of steps) {
          await applyToDomain(id, given, model)
          applyToModel(model, given)
          const [row] = await readExecutions(domain.ctx, [id])
          expect(row).toMatchObject({ status: model.status, result: model.result })
          if (settledAt) expect(row?.settledAt).toEqual(settledAt)
          settledAt = row?.settledAt ?? null
        }
        const kept = await findIgnoredResponses(domain.ctx, [id])
        expect(kept.map(({ cause, status, result }) => `${cause} ${status} ${result}`)).toEqual(model.evidence)
        expect((await readExecutions(domain.ctx, [id]))[0]?.ignoredCount).toBe(model.evidence.length)
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
