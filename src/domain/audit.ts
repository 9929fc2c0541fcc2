/** Who did what. Of sends the executions themselves tell it: they cost no second row. */
import { and, desc, gt, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import type { Store } from '../db/connect.ts'
import { auditEvents, executions } from '../db/schema.ts'
import { lowestIdAt } from '../db/uuid.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Caller } from './access.ts'
import { sinceEpoch, storable } from './filter.ts'
import type { Page } from './paging.ts'

/** What is recorded, each with what its target is. */
export const AUDIT_ACTIONS = {
  'thing.register': 'A thing was registered.',
  'thing.update': 'A thing was changed.',
  'thing.deregister': 'A thing was removed.',
  'thing.secret': 'A thing was given a secret.',
  'type.define': 'A Thing Type was created or replaced.',
  'type.delete': 'A Thing Type was deleted.',
  'key.create': 'A key was created.',
  'key.revoke': 'A key was revoked.',
  'command.send': 'A command was sent; the target is its thing, and `executionId` says which.',
  'command.cancel': 'An execution, which is the target, was canceled.',
} as const

export type AuditAction = keyof typeof AUDIT_ACTIONS

export interface AuditEvent {
  /** A UUIDv7; of a send it is the executionId. */
  id: string
  action: AuditAction
  actor: string | null
  address: string | null
  target: string
  requestId: string | null
  details: JsonObject | null
  at: Date
}

export interface AuditFilter {
  action?: readonly AuditAction[] | null | undefined
  actor?: readonly string[] | null | undefined
  target?: readonly string[] | null | undefined
  at?: { from?: Date | null; to?: Date | null } | null | undefined
}

/** Within the transaction of what it is about: both are there, or none is. */
export async function recordAudit(
  db: Pick<Store['db'], 'insert'>,
  caller: Caller,
  { action, target, details }: { action: Exclude<AuditAction, 'command.send'>; target: string; details?: JsonObject },
): Promise<void> {
  const { name, address, requestId } = caller
  await db.insert(auditEvents).values({ action, target, details, actor: name, address, requestId })
}

/** Newest first: both kinds have ids that begin with the time. */
export async function listAuditEvents(
  { db }: Pick<Store, 'db'>,
  filter: AuditFilter,
  page: Page,
): Promise<AuditEvent[]> {
  const { action } = filter
  const recorded = action?.every((one) => one === 'command.send') ? [] : await listRecorded(db, filter, page)
  const sent = action && !action.includes('command.send') ? [] : await listSent(db, filter, page)
  const direction = page.inverted ? 1 : -1
  return [...recorded, ...sent].sort((one, other) => (one.id < other.id ? -direction : direction)).slice(0, page.limit)
}

async function listRecorded(db: Store['db'], { action, actor, target, at }: AuditFilter, page: Page) {
  const rows = await db
    .select()
    .from(auditEvents)
    .where(
      and(
        action ? inArray(auditEvents.action, [...action]) : undefined,
        actor ? inArray(auditEvents.actor, storable(actor)) : undefined,
        target ? inArray(auditEvents.target, storable(target)) : undefined,
        ...between(sql`${auditEvents.id}`, page, at),
      ),
    )
    .orderBy(page.inverted ? auditEvents.id : desc(auditEvents.id))
    .limit(page.limit)
  return rows.map((row) => ({ ...row, action: row.action as AuditAction }))
}

async function listSent(db: Store['db'], { actor, target, at }: AuditFilter, page: Page): Promise<AuditEvent[]> {
  const { id, requestedBy, requestedFrom, thingId, action, createdAt } = executions
  const rows = await db
    .select({ id, requestedBy, requestedFrom, thingId, action, createdAt })
    .from(executions)
    .where(
      and(
        actor ? inArray(requestedBy, storable(actor)) : undefined,
        target ? inArray(thingId, storable(target)) : undefined,
        ...between(sql`${id}`, page, at),
      ),
    )
    .orderBy(page.inverted ? id : desc(id))
    .limit(page.limit)
  return rows.map((row) => ({
    id: row.id,
    action: 'command.send',
    actor: row.requestedBy,
    address: row.requestedFrom,
    target: row.thingId,
    requestId: null,
    details: { action: row.action },
    at: row.createdAt,
  }))
}

const between = (id: SQL, { after, before }: Page, at: AuditFilter['at']): (SQL | undefined)[] => [
  after ? lt(id, sql`${after}::uuid`) : undefined,
  before ? gt(id, sql`${before}::uuid`) : undefined,
  at?.from ? gte(id, sql`${lowestIdAt(sinceEpoch(at.from).getTime())}::uuid`) : undefined,
  at?.to ? lt(id, sql`${lowestIdAt(sinceEpoch(at.to).getTime())}::uuid`) : undefined,
]
