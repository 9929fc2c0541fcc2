import { and, asc, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import { executions, ignoredResponses } from '../db/schema.ts'
import { canonicalJson } from '../protocol/json.ts'
import type { ResponseMessage } from '../protocol/messages.ts'
import type { ExecutionTopic } from '../protocol/topics.ts'
import type { Context } from './context.ts'
import {
  type Answer,
  causeOfIgnoring,
  type Execution,
  type IgnoredResponse,
  isSettled,
  MAX_EVIDENCE,
} from './execution.ts'
import type { IncomingResponse } from './ports.ts'
import type { RefusalCause } from './refusals.ts'

/** A response that named an execution and did not settle it: a valid one, or one with a problem. */
export interface Unapplied extends ExecutionTopic {
  message: IncomingResponse
  response?: ResponseMessage
  problem?: string
  payload?: string
}

/** A response that counted for nothing, and why. */
export interface Ignored extends ExecutionTopic {
  cause: RefusalCause
  problem?: string | undefined
}

/** Whether it was of an execution of that thing, and so the thing's. */
export const isRecorded = ({ cause }: Ignored): boolean => cause !== 'UNKNOWN_EXECUTION' && cause !== 'WRONG_THING'

const MAX_HEARD_SETTLINGS = 10_000

type Cause = IgnoredResponse['cause']
type Transaction = Parameters<Parameters<Context['db']['transaction']>[0]>[0]
type Kept = Answer & Pick<IgnoredResponse, 'problem' | 'payload' | 'seenBy'>

/** What is known of one execution while its responses are gone through: what is kept already, and what they add. */
interface Ledger {
  execution: Execution
  kept: (Kept & { id?: string })[]
  seenNow: (Kept & { id?: string })[]
  added: { cause: Cause; kept: Kept }[]
  count: number
}

/**
 * Keeps responses that were not applied as evidence on their executions, and returns those that were ignored. Not among
 * them are copies: what the broker delivered again, and what each replica hears in its own session.
 */
export async function recordIgnored(ctx: Context, unapplied: readonly Unapplied[]): Promise<Ignored[]> {
  const heard = new Set<string>()
  const { ignored, changed } = await ctx.db.transaction(async (tx) => {
    const ledgers = await openLedgers(tx, unapplied)
    const ignored = unapplied.flatMap((one) => {
      const cause = enter(ctx, ledgers.get(one.executionId), one, heard)
      return cause ? { cause, executionId: one.executionId, thingId: one.thingId, problem: one.problem } : []
    })
    return { ignored, changed: await closeLedgers(ctx, tx, [...ledgers.values()]) }
  })
  for (const id of heard) remember(ctx.heardSettlings, id)
  ctx.live.publish(changed)
  return ignored
}

/** Locks the executions in the order of their ids, as settling does. */
async function openLedgers(tx: Transaction, unapplied: readonly Unapplied[]): Promise<Map<string, Ledger>> {
  const ids = [...new Set(unapplied.map(({ executionId }) => executionId))]
  const found = await lockExecutions(tx, ids)
  const missing = ids.filter((id) => !found.some((execution) => execution.id === id))
  // One that is settled while we wait for it is gone from where it was; it is found where it went to.
  const locked = missing.length > 0 ? [...found, ...(await lockExecutions(tx, missing))] : found
  const ledgers = new Map<string, Ledger>(
    locked.map((execution) => [
      execution.id,
      { execution, kept: [], seenNow: [], added: [], count: execution.ignoredCount },
    ]),
  )
  const noted = locked.flatMap(({ id, ignoredCount }) => (ignoredCount > 0 ? id : []))
  const kept = noted.length > 0 ? await readEvidence(tx, noted) : []
  for (const evidence of kept) ledgers.get(evidence.executionId)?.kept.push(evidence)
  return ledgers
}

const lockExecutions = (tx: Transaction, ids: string[]): Promise<Execution[]> =>
  tx.select().from(executions).where(inArray(executions.id, ids)).orderBy(asc(executions.id)).for('update')

const readEvidence = (tx: Transaction, executionIds: string[]): Promise<IgnoredResponse[]> =>
  tx
    .select()
    .from(ignoredResponses)
    .where(inArray(ignoredResponses.executionId, executionIds))
    .orderBy(asc(ignoredResponses.id))

/** Enters one response, and returns why it is ignored; undefined where it is a copy of one that was dealt with. */
function enter(ctx: Context, ledger: Ledger | undefined, one: Unapplied, heard: Set<string>): RefusalCause | undefined {
  if (!ledger) return 'UNKNOWN_EXECUTION'
  if (ledger.execution.thingId !== one.thingId) return 'WRONG_THING'
  if (isCopyOfSettling(ctx, ledger.execution, one, heard)) return undefined
  const cause = causeFor(one, ledger.execution)
  if (!cause || isCopyOfEvidence(ctx, ledger, one) || isCountedElsewhere(ctx, ledger)) return undefined
  ledger.count += 1
  if (ledger.count > MAX_EVIDENCE) return cause
  const kept = evidenceOf(ctx, one)
  ledger.kept.push(kept)
  ledger.added.push({ cause, kept })
  return cause
}

/** A valid response to an open execution has no cause to be ignored: it was not storable, and has been counted as that. */
function causeFor(one: Unapplied, { status }: Execution): Cause | undefined {
  if (!one.response) return 'MALFORMED'
  return status === 'SENT' ? undefined : causeOfIgnoring(status)
}

/** Whether this is the very response that settled the execution, heard once more without having been sent once more. */
function isCopyOfSettling(ctx: Context, execution: Execution, one: Unapplied, heard: Set<string>): boolean {
  if (!one.response || !isSettled(execution) || !sameAnswer(answerOf(one.response), execution)) return false
  const { redelivered } = one.message
  if (execution.settledBy === ctx.replica) return redelivered
  if (ctx.heardSettlings.has(execution.id) || heard.has(execution.id)) return redelivered
  heard.add(execution.id)
  return true
}

/** Each replica hears each response once, so evidence that this one has not seen yet is what it hears now. */
function isCopyOfEvidence({ replica }: Context, { kept, seenNow }: Ledger, one: Unapplied): boolean {
  const equal = kept.filter((evidence) => isEqualEvidence(evidence, one))
  if (one.message.redelivered && equal.some(({ seenBy }) => seenBy.includes(replica))) return true
  const unseen = equal.find(({ seenBy }) => !seenBy.includes(replica))
  if (!unseen) return false
  unseen.seenBy = [...unseen.seenBy, replica]
  seenNow.push(unseen)
  return true
}

/** Of what is not kept nobody can tell which replicas have heard it: so it counts where the last one that is kept was heard first. */
function isCountedElsewhere({ replica }: Context, { kept }: Ledger): boolean {
  const last = kept[MAX_EVIDENCE - 1]
  return last !== undefined && last.seenBy[0] !== replica
}

/** Writes what was entered. Returns the executions whose evidence grew. */
async function closeLedgers({ replica }: Context, tx: Transaction, ledgers: Ledger[]): Promise<Execution[]> {
  const evidence = ledgers.flatMap(({ execution, added }) =>
    added.map(({ cause, kept }) => ({ executionId: execution.id, cause, ...kept })),
  )
  // Rows of one statement may get the same instant: a microsecond for each keeps the order in which they came.
  const idOf = (index: number) => sql`uuid_v7(clock_timestamp() + make_interval(secs => ${index / 1e6}))`
  if (evidence.length > 0) {
    await tx.insert(ignoredResponses).values(evidence.map((one, index) => ({ ...one, id: idOf(index) })))
  }
  const seen = ledgers.flatMap(({ seenNow }) => seenNow.flatMap(({ id }) => id ?? []))
  if (seen.length > 0) {
    const executionIds = ledgers.map(({ execution }) => execution.id)
    await tx
      .update(ignoredResponses)
      .set({ seenBy: sql`array_append(${ignoredResponses.seenBy}, ${replica})` })
      .where(and(inArray(ignoredResponses.executionId, executionIds), inArray(ignoredResponses.id, seen)))
  }
  return writeCounts(tx, ledgers)
}

async function writeCounts(tx: Transaction, ledgers: Ledger[]): Promise<Execution[]> {
  const counted = ledgers.filter(({ execution, count }) => count > execution.ignoredCount)
  if (counted.length === 0) return []
  const grown = new Set(counted.flatMap(({ execution, added }) => (added.length > 0 ? execution.id : [])))
  const rows = counted.map(({ execution: { id }, count }) => ({ id, count, grown: grown.has(id) }))
  const given = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given(id uuid, count integer, grown boolean)`
  const written = await tx
    .update(executions)
    .set({
      ignoredCount: sql`given.count`,
      updatedAt: sql`case when given.grown then greatest(clock_timestamp(), ${executions.updatedAt}) else ${executions.updatedAt} end`,
    })
    .from(given)
    // The ids once more, as values: the planner then leaves out the partitions where they cannot be.
    .where(
      and(
        eq(executions.id, sql`given.id`),
        inArray(
          executions.id,
          rows.map(({ id }) => id),
        ),
      ),
    )
    .returning(getTableColumns(executions))
  return written.filter(({ id }) => grown.has(id))
}

const answerOf = ({ status, result, reason }: ResponseMessage): Answer => ({
  status,
  result,
  reasonCode: reason?.code ?? null,
  reasonMessage: reason?.message ?? null,
})

const NO_ANSWER: Answer = { status: null, result: null, reasonCode: null, reasonMessage: null }

const evidenceOf = ({ replica }: Context, { response, problem, payload }: Unapplied): Kept => ({
  ...(response ? answerOf(response) : NO_ANSWER),
  problem: problem ?? null,
  payload: payload ?? null,
  seenBy: [replica],
})

function sameAnswer(one: Answer, other: Answer): boolean {
  return (
    one.status === other.status &&
    one.reasonCode === other.reasonCode &&
    one.reasonMessage === other.reasonMessage &&
    canonicalJson(one.result) === canonicalJson(other.result)
  )
}

function isEqualEvidence(evidence: Kept, one: Unapplied): boolean {
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
