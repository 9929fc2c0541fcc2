/** Every address of the console. A page is loaded when it is opened: `lazyRouteComponent`. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { readSearch } from '../data/execution-filter.ts'
import { readThingSearch } from '../data/thing-filter.ts'
import { CommandsPage } from '../pages/commands/CommandsPage.tsx'
import { Broken } from './Broken.tsx'
import { Missing } from './Missing.tsx'
import { parseQuery, writeQuery } from './query-string.ts'
import { Shell } from './Shell.tsx'

const root = createRootRoute({ component: Shell, notFoundComponent: Missing })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/commands', replace: true })
  },
})

const commands = createRoute({
  getParentRoute: () => root,
  path: '/commands',
  validateSearch: readSearch,
  component: CommandsPage,
})

const execution = createRoute({
  getParentRoute: () => root,
  path: '/executions/$executionId',
  component: lazyRouteComponent(() => import('../pages/execution/ExecutionPage.tsx'), 'ExecutionPage'),
})

const things = createRoute({
  getParentRoute: () => root,
  path: '/things',
  validateSearch: readThingSearch,
  component: lazyRouteComponent(() => import('../pages/things/ThingsPage.tsx'), 'ThingsPage'),
})

const thing = createRoute({
  getParentRoute: () => root,
  path: '/things/$thingId',
  component: lazyRouteComponent(() => import('../pages/thing/ThingPage.tsx'), 'ThingPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([home, commands, execution, things, thing]),
  parseSearch: parseQuery,
  stringifySearch: writeQuery,
  defaultPreload: 'intent',
  defaultErrorComponent: Broken,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
