import { type Handler, Hono } from 'hono'
import type { Context } from '../domain/context.ts'
import { createHealthRoutes, type HealthOptions } from './health.ts'
import { createMetricsRoutes } from './metrics.ts'
import { createMqttAuthRoutes } from './mqtt-auth.ts'
import { createPage } from './page.ts'
import { problemResponse } from './problem.ts'
import { API_PATH, createRestRoutes } from './rest.ts'

export interface RouteOptions extends HealthOptions {
  /** What people get in a browser, and send commands with. */
  console: Hono
  /** What a browser gets at the path of GraphQL; undefined where GRAPHIQL is off. */
  page: (() => Promise<string>) | undefined
  graphqlPath: string
  /** Of a broker that asks about its clients; without it, it is not answered. */
  mqttAuthSecret?: string | undefined
}

/** Everything over HTTP that is not GraphQL, and the page of it. */
export function createRoutes(
  ctx: Context,
  { console, page, graphqlPath, mqttAuthSecret, ...health }: RouteOptions,
): Hono {
  const routes = new Hono()
  routes.route('/', console)
  routes.get(graphqlPath, page ? createPage(page) : sayNoPage)
  routes.route('/', createHealthRoutes(health))
  routes.route('/', createMetricsRoutes(ctx))
  if (mqttAuthSecret) routes.route('/', createMqttAuthRoutes(ctx, mqttAuthSecret))
  routes.route(API_PATH, createRestRoutes(ctx))
  routes.notFound(({ req }) => problemResponse(404, 'NOT_FOUND', `There is nothing at ${req.method} ${req.path}.`))
  return routes
}

const sayNoPage: Handler = (c) =>
  c.text(`Fleet Commands. There is no page here: GRAPHIQL is off. REST is described at ${API_PATH}/openapi.json\n`, 404)
