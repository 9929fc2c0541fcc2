import { isRefusal } from '../db/errors.ts'
import { parseResponse, type ResponseMessage } from '../protocol/messages.ts'
import { type ExecutionTopic, parseResponseTopic } from '../protocol/topics.ts'
import type { Context } from './context.ts'
import type { Execution } from './execution.ts'
import { isRecorded, recordIgnored, type Unapplied } from './ignored-responses.ts'
import type { IncomingResponse } from './ports.ts'
import { settleExecutions } from './settle.ts'

interface ValidResponse extends ExecutionTopic {
  response: ResponseMessage
  message: IncomingResponse
}

/**
 * Applies what devices answered, in order, and resolves once all of it is committed: the broker is acknowledged only then
 * (CONTRACT promise 7). The first response settles; what does not count is refused, kept as evidence or both.
 * Rejects, to be called again with the same, where the database cannot take it now.
 */
export async function applyResponses(ctx: Context, incoming: readonly IncomingResponse[]): Promise<void> {
  const { valid, malformed } = readResponses(ctx, incoming)
  const { first, further } = splitFirst(valid)
  const settled = await settleFirst(ctx, first)
  ctx.presence.noteAnswers(thingsOf(settled))
  ctx.metrics.batchSize.observe({ of: 'responses' }, incoming.length)
  const unapplied = [...first.filter((one) => !settled.has(one)), ...further, ...malformed]
  if (unapplied.length === 0) return
  const ignored = await sparingRefused(ctx, unapplied, (some) => recordIgnored(ctx, some))
  ctx.presence.noteAnswers(thingsOf(ignored.filter(isRecorded)))
  for (const { cause, ...details } of ignored) ctx.refusals.count(cause, details)
}

function* thingsOf(responses: Iterable<ExecutionTopic>): Iterable<string> {
  for (const { thingId } of responses) yield thingId
}

function readResponses(ctx: Context, incoming: readonly IncomingResponse[]) {
  const valid: ValidResponse[] = []
  const malformed: Unapplied[] = []
  for (const message of incoming) {
    const named = parseResponseTopic(message.topic)
    if (!named) {
      ctx.refusals.count('BAD_TOPIC', { topic: message.topic.slice(0, 256) })
      continue
    }
    const parsed = parseResponse(message.payload)
    if (parsed.ok) valid.push({ ...named, response: parsed.response, message })
    else malformed.push({ ...named, problem: parsed.problem, payload: beginningOf(message.payload), message })
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

/** The responses that settled their execution. They are marked, for should what follows fail, they come here again. */
async function settleFirst(ctx: Context, responses: readonly ValidResponse[]): Promise<Set<ValidResponse>> {
  try {
    const executions = await sparingRefused(ctx, responses, (some) => settleExecutions(ctx, some.map(toSettlement)))
    const settled = responses.filter(isOfAny(executions))
    for (const { message } of settled) message.redelivered = true
    return new Set(settled)
  } catch (error) {
    // The commit may have come through all the same.
    for (const { message } of responses) message.redelivered = true
    throw error
  }
}

const toSettlement = ({ executionId, thingId, response, message: { traceContext } }: ValidResponse) => ({
  executionId,
  thingId,
  ...response,
  traceContext,
})

function isOfAny(executions: readonly Execution[]) {
  const thingOf = new Map(executions.map(({ id, thingId }) => [id, thingId]))
  return ({ executionId, thingId }: ExecutionTopic): boolean => thingOf.get(executionId) === thingId
}

/** Does it with all at once, or one by one where the database refuses: one response that cannot be stored does not spoil the rest. */
async function sparingRefused<T extends ExecutionTopic, Done>(
  ctx: Context,
  responses: readonly T[],
  run: (some: readonly T[]) => Promise<Done[]>,
): Promise<Done[]> {
  try {
    return await run(responses)
  } catch (error) {
    if (!isRefusal(error)) throw error
    const [refused] = responses
    if (responses.length > 1) {
      const done: Done[] = []
      for (const one of responses) done.push(...(await sparingRefused(ctx, [one], run)))
      return done
    }
    ctx.refusals.count('UNSTORABLE', { executionId: refused?.executionId, thingId: refused?.thingId, err: error })
    return []
  }
}

const EVIDENCE_CHARACTERS = 1_024

/** What a malformed payload began with, as text that can be stored. */
function beginningOf(payload: Uint8Array): string {
  const text = new TextDecoder().decode(payload.subarray(0, EVIDENCE_CHARACTERS))
  return text.replaceAll('\u0000', '\ufffd')
}
