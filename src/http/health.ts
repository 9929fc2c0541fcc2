import { Hono } from 'hono'
import type { DatabaseState } from '../domain/database-state.ts'

export interface HealthOptions {
  database: DatabaseState
  brokerProblem: () => string | undefined
  /** The service is about to stop: balancers shall send nobody here any more. */
  isDraining: () => boolean
}

/**
 * `/healthz`: the process is alive. `/readyz`: the database and the broker can be used, else 503 and which cannot; it
 * answers in time also where the database does not. 503 as well before a stop.
 */
export function createHealthRoutes({ database, brokerProblem, isDraining }: HealthOptions): Hono {
  return new Hono()
    .get('/healthz', (c) => c.json({ status: 'ok' }))
    .get('/readyz', async (c) => {
      if (isDraining()) return c.json({ status: 'draining', checks: {} }, 503)
      const checks = { database: (await database.isUp()) ? 'ok' : 'does not answer', broker: brokerProblem() ?? 'ok' }
      const ready = Object.values(checks).every((status) => status === 'ok')
      return c.json({ status: ready ? 'ok' : 'unavailable', checks }, ready ? 200 : 503)
    })
}
