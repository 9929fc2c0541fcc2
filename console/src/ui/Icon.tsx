/** Drawn here, so that nothing is asked for. Always beside words, or with a name of their own. */
const PATHS = {
  sent: 'M8 4.5V8l2.5 1.8M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z',
  succeeded: 'M3.5 8.5l3 3 6-7',
  failed: 'M4.5 4.5l7 7m0-7l-7 7',
  rejected: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM4 12l8-8',
  timedOut: 'M4.5 2.5h7M4.5 13.5h7M5.5 2.5c0 3 5 4 5 5.5s-5 2.5-5 5.5m5-11c0 3-5 4-5 5.5s5 2.5 5 5.5',
  canceled: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM5 8h6',
  send: 'M2.5 8h9M8 4.5L11.5 8 8 11.5',
  menu: 'M8 3.2v.1M8 8v.1M8 12.8v.1',
  close: 'M4 4l8 8m0-8l-8 8',
  up: 'M8 13V3.5M4 7l4-4 4 4',
  down: 'M8 3v9.5M4 9l4 4 4-4',
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  plus: 'M8 3v10M3 8h10',
  again: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 14 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'menu' ? 2.4 : 1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
