/** What the bar at the top leads to: a page is added here and in router.tsx. */
export const PAGES = [
  { to: '/commands', label: 'Commands' },
  { to: '/overview', label: 'Overview' },
  { to: '/things', label: 'Things' },
  { to: '/types', label: 'Types' },
] as const
