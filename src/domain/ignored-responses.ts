import { asc, eq, sql } from 'drizzle-orm'
import { executions, ignoredResponses } from '../db/schema.ts'
import { canonicalJson } from '../protocol/json.ts'
import type { ResponseMessage } from '../protocol/messages.ts'
import type { Context } from './context.ts'
import { type Answer, causeOfIgnoring, type Execution, type IgnoredResponse, isSettled } from './execution.ts'

/** A response that named an execution and did not settle it: a valid one, or one with a problem. */
export interface Unapplied {
  executionId: string
  thingId: string
  redelivered: boolean
  response?: ResponseMessage
  problem?: string
  payload?: string
}

export const MAX_EVIDENCE = 10
const MAX_HEARD_SETTLINGS = 10_000

type Cause = IgnoredResponse['cause']
type Transaction = Parameters<Parameters<Context['db']['transaction']>[0]>[0]

/**
 * Keeps a response that was not applied as evidence on its execution, and returns why it was ignored; undefined where it
 * is no response of its own, but a copy of one: the broker delivered it again, or each replica heard it in its own session.
 */
export async function recordIgnored(ctx: Context, one: Unapplied, execution: Execution): Promise<Cause | undefined> {
  if (isCopyOfSettling(ctx, one, execution)) return undefined
  const recorded = await ctx.db.transaction(async (tx) => {
    const [locked] = await tx.select().from(executions).where(eq(executions.id, execution.id)).for('update')
    const cause = locked && causeFor(one, locked)
    if (!cause || (await isCopyOfEvidence(ctx, tx, one))) return undefined
    return { cause, changed: await insertEvidence(ctx, tx, one, cause) }
  })
  if (recorded?.changed) ctx.live.publish([recorded.changed])
  return recorded?.cause
}

/** A valid response to an open execution has no cause to be ignored: it was not storable, and has been counted as that. */
function causeFor(one: Unapplied, { status }: Execution): Cause | undefined {
  if (!one.response) return 'MALFORMED'
  return status === 'SENT' ? undefined : causeOfIgnoring(status)
}

/** Whether this is the very response that settled the execution, heard once more without having been sent once more. */
function isCopyOfSettling(ctx: Context, one: Unapplied, execution: Execution): boolean {
  if (!one.response || !isSettled(execution) || !sameAnswer(answerOf(one.response), execution)) return false
  if (execution.settledBy === ctx.replica) return one.redelivered
  if (ctx.heardSettlings.has(execution.id)) return one.redelivered
  remember(ctx.heardSettlings, execution.id)
  return true
}

/** Each replica hears each response once, so evidence that this one has not seen yet is what it hears now. */
async function isCopyOfEvidence({ replica }: Context, tx: Transaction, one: Unapplied): Promise<boolean> {
  const kept = await tx
    .select()
    .from(ignoredResponses)
    .where(eq(ignoredResponses.executionId, one.executionId))
    .orderBy(asc(ignoredResponses.id))
  const equal = kept.filter((evidence) => isEqualEvidence(evidence, one))
  if (one.redelivered && equal.some(({ seenBy }) => seenBy.includes(replica))) return true
  const unseen = equal.find(({ seenBy }) => !seenBy.includes(replica))
  if (!unseen) return false
  await tx
    .update(ignoredResponses)
    .set({ seenBy: [...unseen.seenBy, replica] })
    .where(eq(ignoredResponses.id, unseen.id))
  return true
}

/** Counts it, and keeps it where there is room. Returns the execution where its evidence grew. */
async function insertEvidence(
  { replica }: Context,
  tx: Transaction,
  { executionId, response, problem, payload }: Unapplied,
  cause: Cause,
): Promise<Execution | undefined> {
  const hasRoom = sql`${executions.ignoredCount} < ${MAX_EVIDENCE}`
  const [execution] = await tx
    .update(executions)
    .set({
      ignoredCount: sql`${executions.ignoredCount} + 1`,
      updatedAt: sql`case when ${hasRoom} then clock_timestamp() else ${executions.updatedAt} end`,
    })
    .where(eq(executions.id, executionId))
    .returning()
  if (!execution || execution.ignoredCount > MAX_EVIDENCE) return undefined
  await tx.insert(ignoredResponses).values({
    executionId,
    cause,
    ...(response && answerOf(response)),
    problem: problem ?? null,
    payload: payload ?? null,
    seenBy: [replica],
  })
  return execution
}

const answerOf = ({ status, result, reason }: ResponseMessage): Answer => ({
  status,
  result,
  reasonCode: reason?.code ?? null,
  reasonMessage: reason?.message ?? null,
})

function sameAnswer(one: Answer, other: Answer): boolean {
  return (
    one.status === other.status &&
    one.reasonCode === other.reasonCode &&
    one.reasonMessage === other.reasonMessage &&
    canonicalJson(one.result) === canonicalJson(other.result)
  )
}

function isEqualEvidence(evidence: IgnoredResponse, one: Unapplied): boolean {
  if (one.response) return sameAnswer(answerOf(one.response), evidence)
  return evidence.problem === one.problem && evidence.payload === one.payload
}

/** Keeps the newest: a set remembers the order of insertion. */
function remember(set: Set<string>, id: string): void {
  set.add(id)
  if (set.size <= MAX_HEARD_SETTLINGS) return
  for (const oldest of set) {
    set.delete(oldest)
    return
  }
}
