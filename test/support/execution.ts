/** An execution as the database would return it, for what needs no database. */
import { randomUUID } from 'node:crypto'
import type { Execution } from '../../src/domain/execution.ts'

const AT = new Date('2026-01-01T00:00:00.123Z')

export const newExecution = (given: Partial<Execution> = {}): Execution => ({
  id: randomUUID(),
  commandId: randomUUID(),
  thingId: 'thing',
  thingType: 'com.example.thermostat',
  thingTypeVersion: '2',
  action: 'reboot',
  params: { deep: [{ ä: '\u2028"' }] },
  ttl: 30,
  status: 'FAILED',
  reasonCode: 'OVERHEATED',
  reasonMessage: null,
  result: false,
  requestedBy: 'me',
  noSubscriber: true,
  settledBy: 'a',
  ignoredCount: 3,
  delivery: 'AT_LEAST_ONCE',
  publishCount: 2,
  publishAgainAt: null,
  thingOnline: true,
  requestedFrom: null,
  createdAt: AT,
  expiresAt: AT,
  settledAt: AT,
  updatedAt: AT,
  ...given,
})
