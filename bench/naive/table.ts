/** The table as a newcomer declares it. It is the service's own: see engines/plain-table.ts. */
import { integer, jsonb, pgEnum, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

export const executionStatus = pgEnum('execution_status', [
  'SENT',
  'SUCCEEDED',
  'FAILED',
  'REJECTED',
  'TIMED_OUT',
  'CANCELED',
])

export const executions = pgTable('plain_executions', {
  id: uuid('id').primaryKey(),
  commandId: uuid('command_id').notNull(),
  thingId: text('thing_id').notNull(),
  action: text('action').notNull(),
  params: jsonb('params').notNull(),
  ttl: integer('ttl').notNull(),
  status: executionStatus('status').notNull().default('SENT'),
  result: jsonb('result'),
  createdAt: instant('created_at').notNull().defaultNow(),
  expiresAt: instant('expires_at').notNull(),
  settledAt: instant('settled_at'),
  updatedAt: instant('updated_at').notNull().defaultNow(),
})

export const idempotencyKeys = pgTable('idempotency_keys', {
  key: text('key').primaryKey(),
  fingerprint: text('fingerprint').notNull(),
  executionId: uuid('execution_id').notNull(),
})

export const things = pgTable('things', {
  id: text('id').primaryKey(),
  thingType: text('thing_type'),
})

export interface CommandDefinition {
  name: string
  paramsSchema: object | null
}

export const thingTypes = pgTable('thing_types', {
  name: text('name').primaryKey(),
  commands: jsonb('commands').$type<CommandDefinition[]>().notNull(),
})

export type Execution = typeof executions.$inferSelect
