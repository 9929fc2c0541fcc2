/** Numbers over time as lines, which differ by how they are dashed and by their names at the end, not by colour alone. */
import { scaleLinear, scaleLog } from '@visx/scale'
import { LinePath } from '@visx/shape'
import { type PointerEvent, useState } from 'react'
import { SPANS, type StatsSpan } from '../../data/stats-range.ts'
import type { Stats, StatsBucket } from '../../data/use-stats.ts'
import { Axes, HEIGHT, MARGIN } from './Axes.tsx'
import styles from './Chart.module.css'
import { spanInWords, ticksOf } from './ticks.ts'
import { useWidth } from './use-width.ts'

export interface Line {
  name: string
  look: 'solid' | 'dashed' | 'dotted'
  /** null: there is none, and the line has a gap. */
  readValue: (bucket: StatsBucket) => number | null
}

export interface Scale {
  kind: 'linear' | 'log'
  domain: [number, number]
  ticks: readonly number[]
  format: (value: number) => string
}

interface LineChartProps {
  stats: Stats
  span: StatsSpan
  lines: readonly Line[]
  scale: Scale
  /** Said in place of the drawing. */
  label: string
}

export function LineChart({ stats, span, lines, scale, label }: LineChartProps) {
  const [ref, width] = useWidth()
  const [pointed, setPointed] = useState<StatsBucket>()
  const { buckets } = stats
  const [from, to] = [Date.parse(stats.from), Date.parse(stats.to)]
  const inner = width - MARGIN.left - MARGIN.right
  const x = scaleLinear({ domain: [from, to], range: [MARGIN.left, width - MARGIN.right] })
  const range: [number, number] = [HEIGHT - MARGIN.bottom, MARGIN.top]
  const y = scale.kind === 'log' ? scaleLog({ ...scale, range }) : scaleLinear({ ...scale, range })
  const middleOf = (bucket: StatsBucket) => x((Date.parse(bucket.from) + Date.parse(bucket.to)) / 2)
  const point = ({ nativeEvent: { offsetX } }: PointerEvent) =>
    setPointed(buckets.find((bucket) => x(Date.parse(bucket.to)) >= offsetX))
  return (
    <>
      {lines.length > 1 && <Legend lines={lines} />}
      <div ref={ref} className={styles['drawing']}>
        {inner > 0 && (
          <svg role="img" aria-label={label} onPointerMove={point} onPointerLeave={() => setPointed(undefined)}>
            <Axes
              width={width}
              xTicks={ticksOf({ from, to, bucket: SPANS[span].bucket }, inner)}
              yTicks={scale.ticks}
              x={x}
              y={y}
              formatY={scale.format}
            />
            {pointed && (
              <line
                className={styles['cross']}
                x1={middleOf(pointed)}
                x2={middleOf(pointed)}
                y1={MARGIN.top}
                y2={HEIGHT - MARGIN.bottom}
              />
            )}
            {lines.map(({ name, look, readValue }) => (
              <g key={name} className={styles[look]}>
                <LinePath
                  className={styles['line'] ?? ''}
                  data={[...buckets]}
                  defined={(bucket) => readValue(bucket) !== null}
                  x={middleOf}
                  y={(bucket) => y(readValue(bucket) ?? 0)}
                />
                {buckets.map((bucket, n) => {
                  const value = readValue(bucket)
                  const isLonely = [buckets[n - 1], buckets[n + 1]].every((next) => !next || readValue(next) === null)
                  if (value === null || (!isLonely && bucket !== pointed)) return null
                  return (
                    <circle key={bucket.from} className={styles['point']} cx={middleOf(bucket)} cy={y(value)} r="3" />
                  )
                })}
              </g>
            ))}
          </svg>
        )}
      </div>
      <p className={styles['readout']}>
        {pointed && (
          <>
            <strong>{spanInWords(pointed.from, pointed.to)}</strong>
            {lines.map(({ name, readValue }) => {
              const value = readValue(pointed)
              return (
                <span key={name}>
                  {name} {value === null ? '–' : scale.format(value)}
                </span>
              )
            })}
          </>
        )}
      </p>
    </>
  )
}

const Legend = ({ lines }: { lines: readonly Line[] }) => (
  <ul className={styles['legend']} aria-label="Lines">
    {lines.map(({ name, look }) => (
      <li key={name}>
        <svg className={`${styles['sample']} ${styles[look]}`} aria-hidden="true">
          <path className={styles['line']} d="M0 4H26" />
        </svg>
        {name}
      </li>
    ))}
  </ul>
)
