/** A long time at 70 % of the peak: the service does not grow. */
import { setTimeout as delay } from 'node:timers/promises'
import { memoryOf } from '../../bench/measure/proc.ts'
import { count, measureOf, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

const SECONDS = 600
const LOAD_SHARE = 0.7
/** Caches fill, and the compiler has seen everything. */
const WARM_UP_SHARE = 0.25
const WINDOW_SHARE = 0.2
const SAMPLE_MS = 500
const MAX_GROWTH = 0.1

export const soak: Scenario = {
  name: 'soak',
  short: false,
  async run({ name, scope, options, report }) {
    const stage = await setStage(scope, options, { scenario: name, things: 50 })
    const rate = Math.round(options.peak * LOAD_SHARE)
    const load = await startLoad(stage, { rate })
    const samples: number[] = []
    const wanted = ((options.durationSeconds ?? SECONDS) * 1000) / SAMPLE_MS
    while (samples.length < wanted) {
      await delay(SAMPLE_MS)
      samples.push(memoryOf(stage.replicas[0].pid()).now)
    }
    const warm = samples.slice(Math.floor(wanted * WARM_UP_SHARE))
    const window = Math.max(1, Math.floor(warm.length * WINDOW_SHARE))
    const first = median(warm.slice(0, window))
    const growth = (median(warm.slice(-window)) - first) / first
    await load.stop()
    report(`${load.callers.started()} commands`)
    const { violations, rows } = await checkStage(stage)
    return [
      count(name, 'commands a second', Math.round((rows.length / wanted / SAMPLE_MS) * 1000)),
      count(name, 'resident after warm-up', `${Math.round(first / 1_000_000)} MB`),
      measureOf(name, 'growth after warm-up', '< 10 %', `${(growth * 100).toFixed(1)} %`, growth < MAX_GROWTH),
      ...violationRows(name, violations),
    ]
  },
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
