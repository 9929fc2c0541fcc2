import { Hono } from 'hono'
import type { Context } from '../domain/context.ts'
import { createHealthRoutes, type HealthOptions } from './health.ts'
import { createMetricsRoutes } from './metrics.ts'
import { problemResponse } from './problem.ts'
import { API_PATH, createRestRoutes } from './rest.ts'

export interface RouteOptions extends HealthOptions {
  /** What people get in a browser. */
  console: Hono
}

/** Everything over HTTP that is not GraphQL. */
export function createRoutes(ctx: Context, { console, ...health }: RouteOptions): Hono {
  const routes = new Hono()
  routes.route('/', console)
  routes.route('/', createHealthRoutes(health))
  routes.route('/', createMetricsRoutes(ctx))
  routes.route(API_PATH, createRestRoutes(ctx))
  routes.notFound(({ req }) => problemResponse(404, 'NOT_FOUND', `There is nothing at ${req.method} ${req.path}.`))
  return routes
}
