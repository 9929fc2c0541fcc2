import { randomUUID } from 'node:crypto'
import type { Metrics } from '../base/metrics.ts'
import type { RunStatement } from '../db/statement.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Delivery, Execution } from './execution.ts'
import { createGroupCommit, type GroupCommit } from './group-commit.ts'

/** An execution that passed every check, ready to be stored. */
export interface Draft {
  thingId: string
  /** The registry's rows that it was checked against, in the very versions that were read. */
  thingRevision: string
  thingType: string | null
  typeRevision: string | null
  thingTypeVersion: string | null
  action: string
  params: JsonObject
  paramsText: string
  ttl: number
  /** Absent: AT_MOST_ONCE, of which nothing is stored. */
  delivery?: Extract<Delivery, 'AT_LEAST_ONCE'> | undefined
  /** Seconds from its creation until it is published for the second time; absent: never. */
  publishAgainIn?: number | undefined
  requestedBy: string | null
  /** The address that it came from. */
  requestedFrom: string | null
  idempotencyKey: string | null
  /** Of the request that the key stands for. */
  fingerprint: string | null
}

/** Undefined where it was not stored: the key is taken, or the thing or its type is no longer what it was checked against. */
export type StoreExecution = GroupCommit<Draft, Execution | undefined>

/** Params may have 240 KB each. */
const LIMIT = { items: 250, size: { max: 4_000_000, of: ({ paramsText }: Draft) => paramsText.length } }

/** Commits executions as SENT, those that come together in one statement. */
export const createExecutionStore = (run: RunStatement, { batchSize }: Pick<Metrics, 'batchSize'>): StoreExecution =>
  createGroupCommit(LIMIT, async (drafts) => {
    const given = drafts.map((draft, index) => toRow(draft, idEndingOf(index)))
    const rows = await run<Stored>(INSERT, [JSON.stringify(given)])
    batchSize.observe({ of: 'sends' }, drafts.length)
    const stored = new Map(rows.map((row) => [row.id.slice(TIME_LENGTH), row]))
    return drafts.map((draft, index) => {
      const row = stored.get(given[index]?.idEnding ?? '')
      return row && toExecution(draft, row)
    })
  })

/** What the statement takes of a draft. Picked by hand: JSON.stringify takes several times as long where it is told what to pick. */
const toRow = (draft: Draft, idEnding: string): Omit<Draft, 'params'> & { idEnding: string } => ({
  idEnding,
  thingId: draft.thingId,
  thingRevision: draft.thingRevision,
  thingType: draft.thingType,
  typeRevision: draft.typeRevision,
  thingTypeVersion: draft.thingTypeVersion,
  action: draft.action,
  paramsText: draft.paramsText,
  ttl: draft.ttl,
  delivery: draft.delivery,
  publishAgainIn: draft.publishAgainIn,
  requestedBy: draft.requestedBy,
  requestedFrom: draft.requestedFrom,
  idempotencyKey: draft.idempotencyKey,
  fingerprint: draft.fingerprint,
})

/** What the database adds to a draft; the rest of the row is as it was given, and need not come back. */
interface Stored {
  id: string
  createdAt: Date
  /** It informs whoever reads the execution, and decides nothing. */
  thingOnline: boolean | null
}

/** The time, its version digit and the dashes: "0190163d-8694-739b". */
const TIME_LENGTH = 18

/**
 * What follows the time in a UUIDv7 (RFC 9562, 5.7): the variant, the place in the batch, so that executions of one instant
 * keep their order, and 48 random bits: those that end a UUIDv4, of which Node keeps a stock. The database, whose time it
 * is, puts the time in front.
 */
const idEndingOf = (index: number): string => `-8${index.toString(16).padStart(3, '0')}-${randomUUID().slice(24)}`

function toExecution(draft: Draft, { id, createdAt, thingOnline }: Stored): Execution {
  const {
    thingId,
    thingType,
    thingTypeVersion,
    action,
    params,
    ttl,
    requestedBy,
    requestedFrom,
    delivery,
    publishAgainIn,
  } = draft
  const after = (seconds: number) => new Date(createdAt.getTime() + seconds * 1000)
  return {
    id,
    // A command to one thing has no id of its own, which would cost an entry in an index for each.
    commandId: id,
    thingId,
    thingType,
    thingTypeVersion,
    action,
    params,
    ttl,
    status: 'SENT',
    reasonCode: null,
    reasonMessage: null,
    result: null,
    requestedBy,
    requestedFrom,
    noSubscriber: false,
    settledBy: null,
    ignoredCount: 0,
    delivery: delivery ?? null,
    publishCount: delivery ? 1 : null,
    publishAgainAt: publishAgainIn ? after(publishAgainIn) : null,
    thingOnline,
    createdAt,
    expiresAt: after(ttl),
    settledAt: null,
    updatedAt: createdAt,
  }
}

/**
 * One statement for the whole batch, because one commit costs as much for 100 rows as for one. The registry is asked in it
 * (`xmin` is the version of a row), so that what was checked against a cached definition is stored only if that is still
 * the definition, whichever replica changed it. Keys are claimed in their order: two replicas with the same ones do not
 * deadlock. The first publish is counted here, before it happens, as every other is (republish.ts).
 */
const INSERT = `
with clock as (
  select now() as at, (extract(epoch from now()) * 1000000)::bigint as micros
), given as materialized (
  select draft.*, date_trunc('milliseconds', at) as at,
    (time || draft."idEnding")::uuid as id
  from (select at, lpad(to_hex(micros / 1000), 12, '0') || '7' || lpad(to_hex(micros % 1000 * 4096 / 1000), 3, '0') as time from clock) as clock,
  json_to_recordset($1::text::json) as draft("idEnding" text, "thingId" text, "thingRevision" xid,
    "thingType" text, "typeRevision" xid, "thingTypeVersion" text, action text, "paramsText" text, ttl integer,
    delivery delivery, "publishAgainIn" integer,
    "requestedBy" text, "requestedFrom" text, "idempotencyKey" text, fingerprint text)
), valid as (
  select * from given
  where "thingRevision" = (select things.xmin from things where things.id = "thingId")
    and ("thingType" is null or "typeRevision" = (select thing_types.xmin from thing_types where name = "thingType"))
), claimed as (
  insert into idempotency_keys (key, fingerprint, execution_id)
  select "idempotencyKey", fingerprint, id from valid where "idempotencyKey" is not null order by "idempotencyKey"
  on conflict do nothing returning execution_id
)
insert into executions (id, command_id, thing_id, thing_type, thing_type_version, action, params, ttl, requested_by,
  created_at, updated_at, expires_at, delivery, publish_count, publish_again_at, thing_online, requested_from)
select id, id, "thingId", "thingType", "thingTypeVersion", action, "paramsText"::jsonb, ttl, "requestedBy",
  at, at, at + make_interval(secs => ttl), delivery, case when delivery is not null then 1 end, at + make_interval(secs => "publishAgainIn"),
  (select online from thing_presence where thing_presence.thing_id = "thingId"), "requestedFrom"
from valid
where "idempotencyKey" is null or id in (select execution_id from claimed)
returning id, created_at as "createdAt", thing_online as "thingOnline"`
