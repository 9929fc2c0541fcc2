import { isDatabaseUnavailable } from '../db/errors.ts'
import { parseResponse, type ResponseMessage } from '../protocol/messages.ts'
import { type ExecutionTopic, parseResponseTopic } from '../protocol/topics.ts'
import type { Context } from './context.ts'
import type { Execution } from './execution.ts'
import { findExecutions } from './executions.ts'
import { recordIgnored, type Unapplied } from './ignored-responses.ts'
import type { IncomingResponse } from './ports.ts'
import { settleExecutions } from './settle.ts'

interface ValidResponse extends ExecutionTopic {
  response: ResponseMessage
  redelivered: boolean
}

/**
 * Applies what devices answered, in order, and resolves once all of it is committed: the broker is acknowledged only then
 * (CONTRACT promise 7). The first response settles; what does not count is refused, kept as evidence or both.
 * Rejects, to be called again with the same, where the database is away.
 */
export async function applyResponses(ctx: Context, incoming: readonly IncomingResponse[]): Promise<void> {
  const { valid, malformed } = readResponses(ctx, incoming)
  const { first, further } = splitFirst(valid)
  const settled = await settleEach(ctx, first)
  const unapplied: Unapplied[] = [
    ...first.filter(({ executionId }) => !settled.has(executionId)),
    ...further,
    ...malformed,
  ]
  if (unapplied.length === 0) return
  const current = new Map(
    (
      await findExecutions(
        ctx,
        unapplied.map((one) => one.executionId),
      )
    ).map((row) => [row.id, row]),
  )
  for (const one of unapplied) await recordOrDrop(ctx, one, current.get(one.executionId))
}

function readResponses(ctx: Context, incoming: readonly IncomingResponse[]) {
  const valid: ValidResponse[] = []
  const malformed: Unapplied[] = []
  for (const { topic, payload, redelivered } of incoming) {
    const named = parseResponseTopic(topic)
    if (!named) {
      ctx.refusals.count('BAD_TOPIC', { topic: topic.slice(0, 256) })
      continue
    }
    const parsed = parseResponse(payload)
    if (parsed.ok) valid.push({ ...named, response: parsed.response, redelivered })
    else malformed.push({ ...named, problem: parsed.problem, payload: beginningOf(payload), redelivered })
  }
  return { valid, malformed }
}

/** At most one response for each execution can settle it: the first. */
function splitFirst(valid: ValidResponse[]) {
  const seen = new Set<string>()
  const first: ValidResponse[] = []
  const further: ValidResponse[] = []
  for (const one of valid) {
    // A forged answer in another thing's name must not take the place of the true one.
    const key = `${one.executionId} ${one.thingId}`
    ;(seen.has(key) ? further : first).push(one)
    seen.add(key)
  }
  return { first, further }
}

async function settleEach(ctx: Context, responses: ValidResponse[]): Promise<Set<string>> {
  const settlements = responses.map(({ executionId, thingId, response }) => ({ executionId, thingId, ...response }))
  try {
    const settled = await settleExecutions(ctx, settlements)
    for (const execution of settled) {
      ctx.log.debug(
        { executionId: execution.id, thingId: execution.thingId, status: execution.status },
        'execution settled',
      )
    }
    return new Set(settled.map(({ id }) => id))
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error
    if (responses.length > 1) return settleOneByOne(ctx, responses)
    const [refused] = responses
    ctx.refusals.count('UNSTORABLE', { executionId: refused?.executionId, thingId: refused?.thingId, err: error })
    return new Set()
  }
}

/** One response that the database will not take does not spoil the rest of its batch. */
async function settleOneByOne(ctx: Context, responses: ValidResponse[]): Promise<Set<string>> {
  const settled = new Set<string>()
  for (const response of responses) for (const id of await settleEach(ctx, [response])) settled.add(id)
  return settled
}

async function recordOrDrop(ctx: Context, one: Unapplied, execution: Execution | undefined): Promise<void> {
  const { executionId, thingId } = one
  if (!execution) return ctx.refusals.count('UNKNOWN_EXECUTION', { executionId, thingId })
  if (execution.thingId !== thingId)
    return ctx.refusals.count('WRONG_THING', { executionId, thingId, owner: execution.thingId })
  const cause = await recordIgnored(ctx, one, execution)
  if (cause) ctx.refusals.count(cause, { executionId, thingId, problem: one.problem })
}

const EVIDENCE_CHARACTERS = 1_024

/** What a malformed payload began with, as text that can be stored. */
function beginningOf(payload: Uint8Array): string {
  const text = new TextDecoder().decode(payload.subarray(0, EVIDENCE_CHARACTERS))
  return text.replaceAll('\u0000', '\ufffd')
}
