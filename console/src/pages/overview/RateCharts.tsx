/** How many succeeded, and how long things took to answer, over time. */
import type { StatsSpan } from '../../data/stats-range.ts'
import type { Stats } from '../../data/use-stats.ts'
import { ChartFrame } from './ChartFrame.tsx'
import { type Line, LineChart, type Scale } from './LineChart.tsx'
import { spanInWords } from './ticks.ts'
import { formatCount, formatMs, formatRate } from './words.ts'

interface ChartProps {
  stats: Stats
  span: StatsSpan
}

const RATE: Line[] = [{ name: 'Success rate', look: 'solid', readValue: ({ successRate }) => successRate ?? null }]
const RATE_SCALE: Scale = { kind: 'linear', domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], format: formatRate }

export function SuccessChart({ stats, span }: ChartProps) {
  return (
    <ChartFrame
      title="Success rate"
      note="of those that had an answer, or none in time"
      columns={['Sent at', 'Success rate', 'Succeeded', 'All']}
      rows={() =>
        stats.buckets
          .filter(({ successRate }) => successRate !== null)
          .map(({ from, to, successRate, counts }) => ({
            key: from,
            cells: [
              spanInWords(from, to),
              formatRate(successRate),
              formatCount(counts.succeeded),
              formatCount(counts.total),
            ],
          }))
      }
    >
      <LineChart
        stats={stats}
        span={span}
        lines={RATE}
        scale={RATE_SCALE}
        label={`Success rate over time: ${formatRate(stats.successRate)} in all`}
      />
    </ChartFrame>
  )
}

const PERCENTILES: Line[] = [
  { name: 'p50', look: 'solid', readValue: ({ roundTrip }) => roundTrip.p50 ?? null },
  { name: 'p95', look: 'dashed', readValue: ({ roundTrip }) => roundTrip.p95 ?? null },
  { name: 'p99', look: 'dotted', readValue: ({ roundTrip }) => roundTrip.p99 ?? null },
]

export function RoundTripChart({ stats, span }: ChartProps) {
  const { p50, p95, p99 } = stats.roundTrip
  return (
    <ChartFrame
      title="Round trip"
      note="from sent to answered, on a logarithmic scale"
      columns={['Sent at', 'p50', 'p95', 'p99', 'Answers']}
      rows={() =>
        stats.buckets
          .filter(({ roundTrip }) => roundTrip.answers > 0)
          .map(({ from, to, roundTrip }) => ({
            key: from,
            cells: [
              spanInWords(from, to),
              formatMs(roundTrip.p50),
              formatMs(roundTrip.p95),
              formatMs(roundTrip.p99),
              formatCount(roundTrip.answers),
            ],
          }))
      }
    >
      <LineChart
        stats={stats}
        span={span}
        lines={PERCENTILES}
        scale={scaleOf(stats)}
        label={`Round trip over time: p50 ${formatMs(p50)}, p95 ${formatMs(p95)}, p99 ${formatMs(p99)} in all`}
      />
    </ChartFrame>
  )
}

/** From one power of ten to another, so that the lines have room. */
function scaleOf({ buckets }: Stats): Scale {
  const values = buckets.flatMap(({ roundTrip: { p50, p99 } }) => [p50 ?? [], p99 ?? []].flat())
  const low = Math.floor(Math.log10(Math.max(1, Math.min(...values, 1_000))))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(1, ...values))))
  const ticks = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n))
  return { kind: 'log', domain: [10 ** low, 10 ** high], ticks, format: formatMs }
}
