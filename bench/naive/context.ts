import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { PubSub } from 'graphql-yoga'
import type { MqttClient } from 'mqtt'
import type { Execution } from './table.ts'

/** What the naive pipeline is made of. */
export interface NaiveContext {
  db: PostgresJsDatabase
  broker: MqttClient
  events: PubSub<{ executionUpdated: [Execution] }>
}
