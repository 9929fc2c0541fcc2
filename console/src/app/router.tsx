/** Every address of the console. A page is loaded when it is opened: `lazyRouteComponent`. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { readSearch } from '../data/execution-filter.ts'
import { readOverviewSearch } from '../data/stats-range.ts'
import { readThingSearch } from '../data/thing-filter.ts'
import { readTypeSearch } from '../data/type-search.ts'
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

const overview = createRoute({
  getParentRoute: () => root,
  path: '/overview',
  validateSearch: readOverviewSearch,
  component: lazyRouteComponent(() => import('../pages/overview/OverviewPage.tsx'), 'OverviewPage'),
})

const device = createRoute({
  getParentRoute: () => root,
  path: '/device',
  validateSearch: ({ thing }: Record<string, unknown>): { thing?: string | undefined } => ({
    thing: typeof thing === 'string' && thing !== '' ? thing : undefined,
  }),
  component: lazyRouteComponent(() => import('../pages/device/DevicePage.tsx'), 'DevicePage'),
})

const types = createRoute({
  getParentRoute: () => root,
  path: '/types',
  validateSearch: readTypeSearch,
  component: lazyRouteComponent(() => import('../pages/types/TypesPage.tsx'), 'TypesPage'),
})

const type = createRoute({
  getParentRoute: () => root,
  path: '/types/$name',
  component: lazyRouteComponent(() => import('../pages/type/TypePage.tsx'), 'TypePage'),
})

/** Not below /types: any word there is the name of a type. */
const newType = createRoute({
  getParentRoute: () => root,
  path: '/define-type',
  component: lazyRouteComponent(() => import('../pages/type-editor/NewTypePage.tsx'), 'NewTypePage'),
})

const editType = createRoute({
  getParentRoute: () => root,
  path: '/types/$name/edit',
  component: lazyRouteComponent(() => import('../pages/type-editor/EditTypePage.tsx'), 'EditTypePage'),
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
  routeTree: root.addChildren([
    home,
    commands,
    execution,
    overview,
    device,
    types,
    type,
    newType,
    editType,
    things,
    thing,
  ]),
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
