import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import type { Context } from '../domain/context.ts'

/** `/healthz`: the process is alive. `/readyz`: the database and the broker can be used, else 503 and which cannot. */
export function createHealthRoutes(ctx: Context, brokerProblem: () => string | undefined): Hono {
  return new Hono()
    .get('/healthz', (c) => c.json({ status: 'ok' }))
    .get('/readyz', async (c) => {
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
