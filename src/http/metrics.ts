import type { IncomingMessage } from 'node:http'
import { Hono } from 'hono'
import { requestIdOf } from '../base/request-id.ts'
import type { Context } from '../domain/context.ts'
import { type CallerVariables, requireCaller, requireWholeFleet } from './caller.ts'
import { explainError } from './problem.ts'

/** `/metrics`: Prometheus text, for whoever may see the whole fleet. */
export function createMetricsRoutes(ctx: Context) {
  const { registry } = ctx.metrics
  const routes = new Hono<{ Bindings: { incoming: IncomingMessage }; Variables: CallerVariables }>()
  routes.onError((error, c) => explainError(ctx.log, error, requestIdOf(c.env.incoming)))
  return routes.get('/metrics', requireCaller(ctx), requireWholeFleet, async (c) =>
    c.body(await registry.metrics(), 200, { 'content-type': registry.contentType }),
  )
}
