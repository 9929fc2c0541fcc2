/**
 * The tables. Constraints hold what the code promises; the functions and triggers that Drizzle cannot express
 * (uuid_v7, settled_once, partitions) are in the hand-written migrations of `drizzle/`.
 */
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { Json, JsonObject } from '../protocol/json.ts'

/** To the millisecond, which is what a JavaScript Date holds: what a client sends back as `since` is exactly what is stored. */
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })

/** What the indexes hold in place of a thing's name, and of an action's. */
export const thingHash = (thingId: SQLWrapper): SQL => sql`hashtextextended(${thingId}, 0)`
export const actionHash = (action: SQLWrapper): SQL => sql`hashtext(${action})`
/** An action together with a status: the seed of the hash. */
export const outcomeHash = (action: SQLWrapper, status: SQLWrapper): SQL =>
  sql`hashtextextended(${action}, hashenum(${status}))`

/** An id in the order of its characters' codes, whatever order the database itself has: ids that begin alike are together. */
export const byCode = (id: SQLWrapper): SQL => sql`${id} collate "C"`

export const executionStatus = pgEnum('execution_status', [
  'SENT',
  'SUCCEEDED',
  'FAILED',
  'REJECTED',
  'TIMED_OUT',
  'CANCELED',
])

export const delivery = pgEnum('delivery', ['AT_MOST_ONCE', 'AT_LEAST_ONCE'])

export const ignoredCause = pgEnum('ignored_cause', ['LATE', 'REPEATED', 'MALFORMED'])

/** One command that things of a type accept, as stored in `thing_types.commands`. */
export interface CommandDefinition {
  name: string
  description: string | null
  paramsSchema: JsonObject | null
  resultSchema: JsonObject | null
  defaultTtl: number | null
  /** Null, or absent in a definition of a version before: AT_MOST_ONCE. */
  delivery?: (typeof delivery.enumValues)[number] | null
}

export const thingTypes = pgTable('thing_types', {
  name: text('name').primaryKey(),
  version: text('version').notNull(),
  description: text('description'),
  commands: jsonb('commands').$type<CommandDefinition[]>().notNull(),
  createdAt: instant('created_at').notNull().default(sql`now()`),
  updatedAt: instant('updated_at').notNull().default(sql`now()`),
})

export const things = pgTable(
  'things',
  {
    id: text('id').primaryKey(),
    clientId: text('client_id').notNull(),
    thingType: text('thing_type').references(() => thingTypes.name, { onDelete: 'restrict', onUpdate: 'restrict' }),
    tags: text('tags').array().notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
  },
  (table) => [
    // One client is one thing: whoever holds the clientId can answer for it (CONTRACT promise 9).
    uniqueIndex('things_client_id').on(table.clientId),
    index('things_thing_type').on(table.thingType, table.id),
    // Search by the beginning of an id.
    index('things_id_by_code').on(byCode(table.id)),
    index('things_tags').using('gin', table.tags),
    // What has changed lately, for `thingUpdated`.
    index('things_updated').on(table.updatedAt),
    check('things_id_format', sql`${table.id} ~ '^[A-Za-z0-9_.:-]{1,128}$'`),
  ],
)

/**
 * What is known of whether a thing is connected. Apart from the things, whose row version stands for their registration
 * (domain/registry.ts): a thing that comes and goes is registered as it was.
 */
export const thingPresence = pgTable(
  'thing_presence',
  {
    thingId: text('thing_id')
      .primaryKey()
      .references(() => things.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
    /** Null: the broker does not tell. */
    online: boolean('online'),
    /** When it was last heard of: it connected, went away or answered. */
    lastSeenAt: instant('last_seen_at'),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
  },
  (table) => [index('thing_presence_updated').on(table.updatedAt)],
)

/**
 * Two tables behind one name, which Drizzle cannot say (see `drizzle/0004_open_and_settled.sql`): open executions are in
 * `executions_open`, settled ones in `executions_settled`, in partitions by time of their id. Settling moves a row.
 */
export const executions = pgTable(
  'executions',
  {
    // The time in it is the database's, so newest first is descending by id whichever replica sent it.
    id: uuid('id').primaryKey().default(sql`uuid_v7(now())`),
    /** The id of the execution itself, where the command has no other: that costs no entry in an index. */
    commandId: uuid('command_id').notNull().default(sql`uuid_v7(now())`),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    expiresAt: instant('expires_at').notNull(),
    settledAt: instant('settled_at'),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
    status: executionStatus('status').notNull().default('SENT'),
    ttl: integer('ttl').notNull(),
    ignoredCount: integer('ignored_count').notNull().default(0),
    /** The broker said that nobody was subscribed when the request was published. */
    noSubscriber: boolean('no_subscriber').notNull().default(false),
    // No foreign key: history stays when a thing is deregistered.
    thingId: text('thing_id').notNull(),
    thingType: text('thing_type'),
    thingTypeVersion: text('thing_type_version'),
    action: text('action').notNull(),
    requestedBy: text('requested_by'),
    params: jsonb('params').$type<JsonObject>().notNull(),
    result: jsonb('result').$type<Json>(),
    reasonCode: text('reason_code'),
    reasonMessage: text('reason_message'),
    /** The replica that settled it: the others know by it that they hear the same response a second time. */
    settledBy: text('settled_by'),
    // From here on null in most rows, where it takes no room.
    /** Null: AT_MOST_ONCE. */
    delivery: delivery('delivery'),
    /** Of AT_LEAST_ONCE: how often its request was published so far. */
    publishCount: integer('publish_count'),
    /** Of an open AT_LEAST_ONCE: when it is due to be published again. */
    publishAgainAt: instant('publish_again_at'),
    /** Whether its thing was known to be online when it was stored; null: not known. */
    thingOnline: boolean('thing_online'),
    /** The address that the request came from; null where callers are anonymous. With `requestedBy` it is the audit of sends. */
    requestedFrom: text('requested_from'),
  },
  (table) => [
    check('executions_ttl', sql`${table.ttl} between 1 and 86400`),
    check('executions_settled_at', sql`(${table.status} = 'SENT') = (${table.settledAt} is null)`),
    check(
      'executions_outcome',
      sql`${table.status} <> 'SENT' or (${table.result} is null and ${table.reasonCode} is null)`,
    ),
    // Each serves one filter and, with the id in it, newest-first pages of it. Names are in them as hashes: these have one
    // size however long the names are, and `filter.ts` compares the names as well. What follows the id is compared in the
    // index, so that a thing's many other rows are not read.
    index('executions_thing').on(thingHash(table.thingId), table.id, table.status, actionHash(table.action)),
    index('executions_action').on(outcomeHash(table.action, table.status), table.id),
    index('executions_command').on(table.commandId, table.id).where(sql`${table.commandId} <> ${table.id}`),
    // Of the settled ones only. Apart, because most succeed: their ids come in order, and fill the pages of their index.
    index('executions_succeeded').on(table.id).where(sql`${table.status} = 'SUCCEEDED'`),
    index('executions_status').on(table.status, table.id).where(sql`${table.status} <> 'SUCCEEDED'`),
    // `executionUpdated(since:)`, and a slow subscriber's catching up. Without the id, equal instants share an entry.
    index('executions_updated').on(table.updatedAt),
    // Of the open ones only: the expiry scan.
    index('executions_due').on(table.expiresAt).where(sql`${table.status} = 'SENT'`),
    // Of the open ones only: what is to be published again.
    index('executions_publish_again').on(table.publishAgainAt).where(sql`${table.publishAgainAt} is not null`),
  ],
)

/** Apart from the executions: a key is unique among all of them, and these are in partitions. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    key: text('key').primaryKey(),
    /** SHA-256 of the request: the same key with another request is a conflict. */
    fingerprint: text('fingerprint').notNull(),
    executionId: uuid('execution_id').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  // The oldest, whose executions leave.
  (table) => [index('idempotency_keys_execution').on(table.executionId)],
)

/**
 * Responses that were not applied, kept as evidence: at most 10 for each execution, the rest are counted there.
 * In partitions by time of the execution's id, so that they leave with it.
 */
export const ignoredResponses = pgTable(
  'ignored_responses',
  {
    id: uuid('id').notNull().default(sql`uuid_v7(clock_timestamp())`),
    executionId: uuid('execution_id').notNull(),
    cause: ignoredCause('cause').notNull(),
    status: executionStatus('status'),
    result: jsonb('result').$type<Json>(),
    reasonCode: text('reason_code'),
    reasonMessage: text('reason_message'),
    /** Of a malformed one: what is wrong with it, and how it began. */
    problem: text('problem'),
    payload: text('payload'),
    /** The replicas that heard it: each has a session of its own, so each hears every response once. */
    seenBy: text('seen_by').array().notNull(),
    receivedAt: instant('received_at').notNull().default(sql`clock_timestamp()`),
  },
  (table) => [primaryKey({ columns: [table.executionId, table.id] })],
)

export const ROLES = ['viewer', 'operator', 'admin'] as const

/** What callers present. The secret is shown once, and kept as its SHA-256: it is 256 random bits, which nobody guesses. */
export const apiKeys = pgTable(
  'api_keys',
  {
    /** "ak_" and a UUIDv7 without its dashes. */
    id: text('id').primaryKey(),
    secretHash: text('secret_hash').notNull(),
    /** For people. */
    name: text('name').notNull(),
    role: text('role', { enum: ROLES }).notNull(),
    /** Patterns of thing ids, of thing types and of actions (domain/access.ts); null: all. */
    things: text('things').array(),
    thingTypes: text('thing_types').array(),
    actions: text('actions').array(),
    createdBy: text('created_by'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
    /** To the minute. */
    lastUsedAt: instant('last_used_at'),
  },
  (table) => [check('api_keys_role', sql`${table.role} in ('viewer', 'operator', 'admin')`)],
)

/** What devices present to the broker. Apart from the things, whose row version stands for their registration. */
export const thingSecrets = pgTable('thing_secrets', {
  thingId: text('thing_id')
    .primaryKey()
    .references(() => things.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
  /** As Mosquitto's password files have it: "$7$iterations$salt$hash", PBKDF2 with SHA-512. */
  hash: text('hash').notNull(),
  issuedAt: instant('issued_at').notNull().default(sql`now()`),
})

/** Who did what. Sends are not here but in their executions, which have who, from where and when. */
export const auditEvents = pgTable(
  'audit_events',
  {
    id: uuid('id').primaryKey().default(sql`uuid_v7(clock_timestamp())`),
    /** Such as "thing.register". */
    action: text('action').notNull(),
    /** The key, the user, "cli", or null: anonymous. */
    actor: text('actor'),
    /** The address that it came from; null: none, as on the command line. */
    address: text('address'),
    /** The thing, the type, the key, or the execution. */
    target: text('target').notNull(),
    requestId: text('request_id'),
    details: jsonb('details').$type<JsonObject>(),
    at: instant('at').notNull().default(sql`clock_timestamp()`),
  },
  (table) => [
    index('audit_events_actor').on(table.actor, table.id),
    index('audit_events_target').on(table.target, table.id),
  ],
)

export const STATS_BUCKETS = ['MINUTE', 'HOUR', 'DAY'] as const

/**
 * How many settled executions were sent in a minute, an hour and a day, by what they have in common: counted from the
 * executions (domain/roll-up.ts), to be forgotten and counted again at any time. So it is in no export.
 */
export const executionStats = pgTable(
  'execution_stats',
  {
    bucket: text('bucket', { enum: STATS_BUCKETS }).notNull(),
    /** Where the minute, the hour or the day begins, in UTC. */
    at: instant('at').notNull(),
    status: executionStatus('status').notNull(),
    /** '': all of them, of whichever type. */
    action: text('action').notNull(),
    /** '': none. In a key nothing is null. */
    thingType: text('thing_type').notNull(),
    executions: bigint('executions', { mode: 'number' }).notNull(),
    /** Their round trips: steps of a logarithmic scale (domain/round-trips.ts), and beside each how many were of it. */
    steps: smallint('steps').array().notNull(),
    stepCounts: bigint('step_counts', { mode: 'number' }).array().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.bucket, table.at, table.status, table.action, table.thingType] }),
    index('execution_stats_total').on(table.bucket, table.at).where(sql`${table.action} = ''`),
  ],
)

/** One row: how far `execution_stats` is counted. None: not at all, whatever is in there. */
export const executionStatsProgress = pgTable(
  'execution_stats_progress',
  {
    only: boolean('only').primaryKey().default(true),
    /** All that was settled from `beganAt` to before it is in. */
    settledBefore: instant('settled_before').notNull(),
    /** Of what was settled before it, the ids from `downToId` on are in: the newest ones first. */
    beganAt: instant('began_at').notNull(),
    downToId: uuid('down_to_id').notNull(),
  },
  (table) => [check('execution_stats_progress_one_row', sql`${table.only}`)],
)

/** What an export has in it. */
export const schema = {
  thingTypes,
  things,
  thingPresence,
  thingSecrets,
  executions,
  idempotencyKeys,
  ignoredResponses,
  apiKeys,
  auditEvents,
}
