/** Markdown tables, which read well in a terminal, too. */
import type { Quantiles } from '../measure/quantiles.ts'
import type { Result } from '../measure/rounds.ts'
import { AUDIENCE, FEW, MANY, type SubscriberFigures } from '../subscribers/measure.ts'
import { ROLES } from '../variants/variant.ts'
import { isMet, type Ratio } from './ratios.ts'

const HEADINGS = [
  'variant',
  'on',
  'in flight',
  'per second',
  'answered p50/p95/p99 ms',
  'settled p50/p95/p99 ms',
  ...ROLES.map((role) => `${role} µs`),
  'peak MB',
]
const BYTES_PER_MB = 1_000_000

/** Each variant at each level. CPU is for one command. */
export function resultsTable(results: readonly Result[]): string {
  const inOrder = results.toSorted((a, b) => a.inFlight - b.inFlight)
  return table(HEADINGS, inOrder.map(row))
}

function row({ name, pair, inFlight, figures }: Result): string[] {
  return [
    name,
    pair,
    String(inFlight),
    whole(figures.perSecond),
    times(figures.answered),
    times(figures.settled),
    ...ROLES.map((role) => whole(figures.cpu[role] ?? Number.NaN)),
    whole(figures.peakMemory / BYTES_PER_MB),
  ]
}

/** The ratios with their targets. */
export function ratiosTable(ratios: readonly Ratio[]): string {
  const headings = ['measure', 'value', 'target', 'met']
  return table(
    headings,
    ratios.map((ratio) => {
      const { measure, value, unit, target, wanted } = ratio
      const sign = wanted === 'at least' ? '≥' : '≤'
      return [measure, `${precise(value)}${unit}`, `${sign} ${precise(target)}${unit}`, isMet(ratio) ? 'yes' : 'no']
    }),
  )
}

/** What subscribers cost. */
export function subscribersTable(figures: SubscriberFigures): string {
  const { amongFew, amongMany, audience, socket, furtherSubscription } = figures
  return table(
    ['subscribers', 'cost for the service'],
    [
      [`a command that one follows, among ${FEW.toLocaleString('en')} subscriptions`, `${whole(amongFew)} µs`],
      [`a command that one follows, among ${MANY.toLocaleString('en')} subscriptions`, `${whole(amongMany)} µs`],
      [`a command that ${AUDIENCE.toLocaleString('en')} follow`, `${whole(audience)} µs`],
      ['a socket with its subscription', `${whole(socket)} bytes`],
      ['a further subscription', `${whole(furtherSubscription)} bytes`],
    ],
  )
}

/** The first column is text, the others are numbers. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => pad(cell, column)).join(' | ')} |`
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(headings), rule, ...rows.map(line)].join('\n')
}

const precise = (value: number): string => value.toPrecision(value < 100 ? 2 : 3)

const whole = (value: number): string => (Number.isNaN(value) ? '' : Math.round(value).toLocaleString('en'))

const times = ({ p50, p95, p99 }: Quantiles): string =>
  Number.isNaN(p50) ? '' : [p50, p95, p99].map((value) => value.toFixed(value < 10 ? 1 : 0)).join(' / ')
