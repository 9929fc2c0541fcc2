/** How many commands there were, by status: a bar for each minute, hour or day, which leads to its commands. */
import { Link } from '@tanstack/react-router'
import { scaleLinear } from '@visx/scale'
import { useId, useMemo } from 'react'
import { SPANS, type StatsSpan } from '../../data/stats-range.ts'
import type { Stats } from '../../data/use-stats.ts'
import { STATUS_LOOKS } from '../../ui/Status.tsx'
import { Axes, HEIGHT, MARGIN } from './Axes.tsx'
import { Bars } from './Bars.tsx'
import styles from './Chart.module.css'
import { ChartFrame } from './ChartFrame.tsx'
import { commandsSearch } from './commands-search.ts'
import { Patterns, Swatch } from './Patterns.tsx'
import { barsOf, bucketsPerBar, SERIES } from './series.ts'
import { spanInWords, ticksOf } from './ticks.ts'
import { useWidth } from './use-width.ts'
import { formatCompact, formatCount } from './words.ts'

const MIN_BAR_PX = 6
const COLUMNS = ['Sent at', 'All', ...SERIES.map(({ status }) => STATUS_LOOKS[status].word)]

export function CommandsChart({ stats, span }: { stats: Stats; span: StatsSpan }) {
  const patterns = useId()
  return (
    <ChartFrame
      title="Commands over time"
      note={span === '30d' ? 'by days of UTC' : undefined}
      columns={COLUMNS}
      rows={() => rowsOf(stats)}
    >
      <Legend stats={stats} patterns={patterns} />
      <Drawing stats={stats} span={span} patterns={patterns} />
    </ChartFrame>
  )
}

/** Those of which there are none are left out: there may be many. */
const rowsOf = ({ buckets }: Stats) =>
  buckets
    .filter(({ counts }) => counts.total > 0)
    .map(({ from, to, counts }) => ({
      key: from,
      cells: [
        <Link key="link" to="/commands" search={commandsSearch({ from, to })}>
          {spanInWords(from, to)}
        </Link>,
        formatCount(counts.total),
        ...SERIES.map(({ name }) => formatCount(counts[name])),
      ],
    }))

/** What each hatching means, and how many there are in all. */
function Legend({ stats: { from, counts }, patterns }: { stats: Stats; patterns: string }) {
  return (
    <ul className={styles['legend']} aria-label="By status">
      {SERIES.map(({ status, name }) => (
        <li key={status}>
          <Swatch id={patterns} status={status} />
          <Link to="/commands" search={commandsSearch({ from, status: [status] })}>
            {STATUS_LOOKS[status].word}
          </Link>
          <span data-count={status}>{formatCount(counts[name])}</span>
        </li>
      ))}
    </ul>
  )
}

interface DrawingProps {
  stats: Stats
  span: StatsSpan
  patterns: string
}

function Drawing({ stats, span, patterns }: DrawingProps) {
  const [ref, width] = useWidth()
  const [from, to] = [Date.parse(stats.from), Date.parse(stats.to)]
  const inner = width - MARGIN.left - MARGIN.right
  const bars = useMemo(() => {
    return barsOf(stats.buckets, bucketsPerBar(stats.buckets.length, inner, MIN_BAR_PX))
  }, [stats.buckets, inner])
  const most = Math.max(1, ...bars.map(({ counts }) => counts.total))
  const x = scaleLinear({ domain: [from, to], range: [MARGIN.left, width - MARGIN.right] })
  const y = scaleLinear({ domain: [0, most], range: [HEIGHT - MARGIN.bottom, MARGIN.top], nice: true })
  const yTicks = y.ticks(4).filter(Number.isInteger)
  return (
    <Bars bars={bars} x={x} y={y} patterns={patterns} frameRef={ref} isDrawn={inner > 0}>
      <Patterns id={patterns} />
      <Axes
        width={width}
        xTicks={ticksOf({ from, to, bucket: SPANS[span].bucket }, inner)}
        yTicks={yTicks}
        x={x}
        y={y}
        formatY={formatCompact}
      />
    </Bars>
  )
}
