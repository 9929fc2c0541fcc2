/** SIGTERM under load: what is under way is answered. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Entry } from '../check/records.ts'
import { count, measureOf, none, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

/** A request that left so shortly before the signal may not have been accepted yet. */
const ACCEPTED_MS = 50
const DEADLINE_MS = 10_000

interface Drain {
  replica: number
  at: number
  code: number | null
  tookMs: number
}

export const drain: Scenario = {
  name: 'drain',
  short: true,
  async run({ name, scope, options, report, times }) {
    const stage = await setStage(scope, options, { scenario: name, replicas: 2 })
    const load = await startLoad(stage)
    const drains: Drain[] = []
    for (const wanted = times(20, 2); drains.length < wanted; ) {
      await delay(stage.random.between(300, 1500))
      const replica = stage.random.pick(stage.replicas)
      const at = Date.now()
      drains.push({ replica: replica.number, at, ...(await replica.terminate()) })
      await replica.start()
    }
    await load.stop()
    report(`${drains.length} drains, ${load.callers.started()} commands`)
    const { violations } = await checkStage(stage)
    const slowest = Math.max(...drains.map(({ tookMs }) => tookMs))
    return [
      count(name, 'SIGTERMs', drains.length),
      count(name, 'commands', load.callers.started()),
      none(name, 'requests under way broken by the drain', brokenBy(drains, stage.journal.entries)),
      none(
        name,
        'ended with another code than 0',
        drains.filter(({ code }) => code !== 0).map(({ code }) => String(code)),
      ),
      measureOf(name, 'slowest drain', `≤ ${DEADLINE_MS} ms`, `${Math.round(slowest)} ms`, slowest <= DEADLINE_MS),
      ...violationRows(name, violations),
    ]
  },
}

function brokenBy(drains: readonly Drain[], entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== 'broken') return []
    const { replica, startedAt, at, intent } = entry
    const hit = drains.some((one) => one.replica === replica && startedAt < one.at - ACCEPTED_MS && at >= one.at)
    return hit ? [intent] : []
  })
}
