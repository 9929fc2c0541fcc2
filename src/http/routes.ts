import { Hono } from 'hono'
import type { Context } from '../domain/context.ts'
import { createHealthRoutes, type HealthOptions } from './health.ts'
import { createMetricsRoutes } from './metrics.ts'
import { createMqttAuthRoutes } from './mqtt-auth.ts'
import { problemResponse } from './problem.ts'
import { API_PATH, createRestRoutes } from './rest.ts'

export interface RouteOptions extends HealthOptions {
  /** What a browser gets at `/`. */
  page: () => Promise<string>
  /** Of a broker that asks about its clients; without it, it is not answered. */
  mqttAuthSecret?: string | undefined
}

/** Everything over HTTP that is not GraphQL. */
export function createRoutes(ctx: Context, { page, mqttAuthSecret, ...health }: RouteOptions): Hono {
  const routes = new Hono()
  routes.get('/', (c) => c.html(page()))
  routes.route('/', createHealthRoutes(health))
  routes.route('/', createMetricsRoutes(ctx.metrics))
  if (mqttAuthSecret) routes.route('/', createMqttAuthRoutes(ctx, mqttAuthSecret))
  routes.route(API_PATH, createRestRoutes(ctx))
  routes.notFound(({ req }) => problemResponse(404, 'NOT_FOUND', `There is nothing at ${req.method} ${req.path}.`))
  return routes
}
