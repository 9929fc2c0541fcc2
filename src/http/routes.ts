import { Hono } from 'hono'
import type { Context } from '../domain/context.ts'
import type { DatabaseState } from '../domain/database-state.ts'
import { createHealthRoutes } from './health.ts'
import { createMetricsRoutes } from './metrics.ts'
import { problemResponse } from './problem.ts'
import { API_PATH, createRestRoutes } from './rest.ts'

export interface RouteOptions {
  database: DatabaseState
  brokerProblem: () => string | undefined
  /** What a browser gets at `/`. */
  page: () => Promise<string>
}

/** Everything over HTTP that is not GraphQL. */
export function createRoutes(ctx: Context, { database, brokerProblem, page }: RouteOptions): Hono {
  const routes = new Hono()
  routes.get('/', (c) => c.html(page()))
  routes.route('/', createHealthRoutes(database, brokerProblem))
  routes.route('/', createMetricsRoutes(ctx.metrics))
  routes.route(API_PATH, createRestRoutes(ctx))
  routes.notFound(({ req }) => problemResponse(404, 'NOT_FOUND', `There is nothing at ${req.method} ${req.path}.`))
  return routes
}
