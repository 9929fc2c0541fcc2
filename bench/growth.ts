/**
 * What growth costs: `npx tsx bench/growth.ts --rows 5000000`. On databases of its own on the server of DATABASE_URL, which
 * it drops. Everything is a ratio of one run, measured in turns; targets are beside the figures.
 */
import { parseArgs } from 'node:util'
import { type Bench, createBench, fill } from './growth-data.ts'
import { measureExpiry, measureRetention } from './growth-leaving.ts'
import { type Figure, measurePages, type PageFigures } from './growth-pages.ts'
import { measureBeside, measureCounting, measureQuestions } from './growth-stats.ts'
import { measureBytes, measureRates } from './growth-writes.ts'

const SMALL = 10_000
const PARTS = ['pages', 'rate', 'stats', 'retention', 'bytes', 'expiry'] as const

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000000' },
    runs: { type: 'string', default: '20' },
    churn: { type: 'string', default: '500000' },
    only: { type: 'string', default: PARTS.join(',') },
  },
})
const rows = Number(values.rows)
const parts = values.only.split(',')

const benches: Bench[] = []
const open = async (): Promise<Bench> => {
  const bench = await createBench()
  benches.push(bench)
  return bench
}

async function main(): Promise<void> {
  const large = await open()
  if (['pages', 'rate', 'stats', 'retention'].some((part) => parts.includes(part))) {
    say(`filling ${rows.toLocaleString('en')} executions`)
    await fill(large, rows)
  }
  if (parts.includes('pages')) await reportPages(large)
  if (parts.includes('rate')) await reportRate(large)
  if (parts.includes('stats')) await reportStats(large)
  if (parts.includes('retention')) await reportRetention(large)
  if (parts.includes('bytes')) await reportBytes()
  if (parts.includes('expiry')) await reportExpiry()
}

async function reportPages(large: Bench): Promise<void> {
  const small = await open()
  await fill(small, SMALL)
  const figures = await measurePages(small, large, Number(values.runs))
  const middle = (of: (figure: PageFigures) => number) => {
    const sorted = figures.map(of).sort((a, b) => a - b)
    return sorted[sorted.length >> 1] ?? Number.NaN
  }
  say(`\n${figures.length} pages, ${rows.toLocaleString('en')} rows against ${SMALL.toLocaleString('en')}`)
  const ratio = (of: (figure: Figure) => number) => (one: PageFigures) => of(one.large) / of(one.small)
  line(
    'p50 of the middle page',
    middle((one) => one.large.p50),
    'ms',
  )
  line('p50 of the slowest page', Math.max(...figures.map(({ large }) => large.p50)), 'ms', 5)
  line('p50 ratio of the middle page', middle(ratio(({ p50 }) => p50)), '×', 1.5)
  line('p99 ratio of the middle page', middle(ratio(({ p99 }) => p99)), '×', 1.5)
  const bad = figures.filter((one) => one.large.p50 > 1.5 * one.small.p50)
  line('pages with a p50 ratio over 1.5', (100 * bad.length) / figures.length, '% of all')
  say('  the worst by p50 ratio, and the slowest:')
  const worst = [
    ...figures.toSorted((a, b) => ratio(({ p50 }) => p50)(b) - ratio(({ p50 }) => p50)(a)).slice(0, 12),
    ...figures.toSorted((a, b) => b.large.p50 - a.large.p50).slice(0, 6),
  ]
  for (const { name, small, large, rows } of worst)
    say(
      `    ${large.p50.toFixed(2)} ms against ${small.p50.toFixed(2)} (p99 ${large.p99.toFixed(1)} against ${small.p99.toFixed(1)}), ${rows} rows: ${name}`,
    )
}

async function reportStats(large: Bench): Promise<void> {
  say('\nStatistics')
  const { parts: part, seconds } = await measureCounting(large)
  line('to count a million that were there before', (seconds * 1_000_000) / rows, 's')
  line('one part of it', part.p50, 'ms')
  for (const { name, figure } of await measureQuestions(large, Number(values.runs)))
    say(`    ${figure.p50.toFixed(1)} ms, p99 ${figure.p99.toFixed(1)}: ${name}`)
  const { alone, beside, rolls } = await measureBeside(large, 5)
  line('batches sent and settled beside counting, against alone', beside / alone, '×')
  line('to count what was settled in a second', rolls.p50, 'ms')
}

async function reportRate(large: Bench): Promise<void> {
  const rates = await measureRates(await open(), large, 6)
  say('\nA batch of 100 sent and one settled')
  line('in an empty table', rates.empty.p50, 'ms')
  line(`among ${rows.toLocaleString('en')} rows`, rates.large.p50, 'ms')
  line('rate', rates.empty.p50 / rates.large.p50, 'of that of an empty table', -0.85)
}

async function reportRetention(large: Bench): Promise<void> {
  const { rows, ms, before, during } = await measureRetention(large, 42)
  say(`\n${rows.toLocaleString('en')} executions dropped`)
  line('in', ms / 1_000, 's', 5)
  line('p99 of a send before', before.p99, 'ms')
  line('p99 of a send meanwhile', during.p99, 'ms')
  line('ratio', during.p99 / before.p99, '×', 2)
}

async function reportBytes(): Promise<void> {
  const churn = Number(values.churn)
  const sizes = await measureBytes(await open(), churn)
  say(`\nBytes for each of ${churn.toLocaleString('en')} executions, sent and settled`)
  for (const { table, bytes } of sizes) line(table, bytes, 'bytes')
  const settled = sizes.filter(({ table }) => table.startsWith('executions_until'))
  line(
    'together, without what is open',
    settled.reduce((sum, { bytes }) => sum + bytes, 0),
    'bytes',
    450,
  )
}

async function reportExpiry(): Promise<void> {
  const { rows, settledWithinMs, alone, meanwhile } = await measureExpiry(await open())
  say(`\n${rows.toLocaleString('en')} executions whose TTL ends in the same second`)
  line('settled within', settledWithinMs / 1_000, 's', 3)
  line('sends of others keep', meanwhile / alone, 'of their rate', -0.5)
}

/** A target of at most so much; at least, where it is negative. */
function line(name: string, value: number, unit: string, target?: number): void {
  const met = target === undefined ? '' : target < 0 ? value >= -target : value <= target
  const wanted =
    target === undefined ? '' : `   (target ${target < 0 ? '≥' : '≤'} ${Math.abs(target)}: ${met ? 'met' : 'MISSED'})`
  say(`  ${name.padEnd(58)} ${value.toFixed(2).padStart(10)} ${unit}${wanted}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

try {
  await main()
} finally {
  for (const bench of benches) await bench.drop()
}
