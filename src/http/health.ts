import { Hono } from 'hono'
import type { DatabaseState } from '../domain/database-state.ts'

/**
 * `/healthz`: the process is alive. `/readyz`: the database and the broker can be used, else 503 and which cannot; it
 * answers in time also where the database does not.
 */
export function createHealthRoutes(database: DatabaseState, brokerProblem: () => string | undefined): Hono {
  return new Hono()
    .get('/healthz', (c) => c.json({ status: 'ok' }))
    .get('/readyz', async (c) => {
      const checks = { database: (await database.isUp()) ? 'ok' : 'does not answer', broker: brokerProblem() ?? 'ok' }
      const ready = Object.values(checks).every((status) => status === 'ok')
      return c.json({ status: ready ? 'ok' : 'unavailable', checks }, ready ? 200 : 503)
    })
}
