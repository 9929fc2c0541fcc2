import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import type { Context } from '../domain/context.ts'

export interface HealthOptions {
  brokerProblem: () => string | undefined
  /** The service is about to stop: balancers shall send nobody here any more. */
  isDraining: () => boolean
}

/** `/healthz`: the process is alive. `/readyz`: the database and the broker can be used, else 503 and which cannot; 503 as well before a stop. */
export function createHealthRoutes(ctx: Context, { brokerProblem, isDraining }: HealthOptions): Hono {
  return new Hono()
    .get('/healthz', (c) => c.json({ status: 'ok' }))
    .get('/readyz', async (c) => {
      if (isDraining()) return c.json({ status: 'draining', checks: {} }, 503)
      const checks = { database: await databaseStatus(ctx), broker: brokerProblem() ?? 'ok' }
      const ready = Object.values(checks).every((status) => status === 'ok')
      return c.json({ status: ready ? 'ok' : 'unavailable', checks }, ready ? 200 : 503)
    })
}

async function databaseStatus({ db, log }: Context): Promise<string> {
  try {
    await db.execute(sql`select 1`)
    return 'ok'
  } catch (error) {
    log.debug({ err: error }, 'the database does not answer')
    return 'does not answer'
  }
}
