/** The lines and the words around a chart. They say to eyes what the table says to all. */
import styles from './Chart.module.css'
import type { Tick } from './ticks.ts'

export const MARGIN = { top: 8, right: 8, bottom: 22, left: 46 } as const
export const HEIGHT = 220

interface AxesProps {
  width: number
  xTicks: readonly Tick[]
  yTicks: readonly number[]
  x: (at: number) => number
  y: (value: number) => number
  formatY: (value: number) => string
}

export function Axes({ width, xTicks, yTicks, x, y, formatY }: AxesProps) {
  const [left, right, bottom] = [MARGIN.left, width - MARGIN.right, HEIGHT - MARGIN.bottom]
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can have the focus.
    <g className={styles['axes']} aria-hidden="true">
      {yTicks.map((value) => (
        <g key={value}>
          <line x1={left} x2={right} y1={y(value)} y2={y(value)} />
          <text x={left - 6} y={y(value)} dy="0.32em" textAnchor="end">
            {formatY(value)}
          </text>
        </g>
      ))}
      {xTicks.map(({ at, label }) => (
        <g key={at}>
          <line x1={x(at)} x2={x(at)} y1={bottom} y2={bottom + 4} />
          <text x={Math.min(Math.max(x(at), left), right - 14)} y={bottom + 17} textAnchor="middle">
            {label}
          </text>
        </g>
      ))}
    </g>
  )
}
