/** A subscriber that stops reading costs the service bounded memory, and misses nothing once it reads on. */
import { setTimeout as delay } from 'node:timers/promises'
import { memoryOf } from '../../bench/measure/proc.ts'
import { startSubscriber } from '../load/subscriber.ts'
import { count, measureOf, none, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

const SECONDS = 20
const BYTES_PER_MB = 1_000_000
const MAX_GROWTH_MB = 96
const RATE = 400
const CATCH_UP_MS = 5000

export const frozenReader: Scenario = {
  name: 'frozen-reader',
  short: false,
  async run({ name, scope, options }) {
    const stage = await setStage(scope, options, { scenario: name })
    const [replica] = stage.replicas
    const reader = await startSubscriber(replica, stage.journal)
    scope.defer(reader.stop)
    const load = await startLoad(stage, { rate: Math.max(options.rate, RATE) })
    await delay(1000)
    reader.freeze()
    const before = memoryOf(replica.pid()).now
    await delay((options.durationSeconds ?? SECONDS) * 1000)
    const grown = Math.round((memoryOf(replica.pid()).now - before) / BYTES_PER_MB)
    reader.thaw()
    await load.stop()
    // Until nothing more comes: it catches up with all that happened while it was frozen.
    for (let known = -1; known < reader.settled.size; await delay(CATCH_UP_MS)) known = reader.settled.size
    const { violations, rows } = await checkStage(stage)
    const missed = rows.filter(({ id }) => !reader.settled.has(id)).map(({ id }) => id)
    return [
      count(name, 'commands', rows.length),
      measureOf(name, 'memory of the service grown', `≤ ${MAX_GROWTH_MB} MB`, `${grown} MB`, grown <= MAX_GROWTH_MB),
      none(name, 'outcomes that the reader missed', missed),
      ...violationRows(name, violations),
    ]
  },
}
