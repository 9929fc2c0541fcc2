import { Hono } from 'hono'
import type { Metrics } from '../base/metrics.ts'

/** `/metrics`: Prometheus text. */
export function createMetricsRoutes({ registry }: Metrics): Hono {
  return new Hono().get('/metrics', async (c) =>
    c.body(await registry.metrics(), 200, { 'content-type': registry.contentType }),
  )
}
