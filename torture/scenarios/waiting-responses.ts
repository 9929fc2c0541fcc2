/** The service is away while its devices answer: the broker keeps the answers, and they are drained at the start. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Row } from '../check/records.ts'
import { count, measureOf, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

const SEND_RATE = 1500
const TARGET_PER_SECOND = 3000

export const waitingResponses: Scenario = {
  name: 'waiting-responses',
  short: false,
  async run({ name, scope, options, report, times }) {
    const stage = await setStage(scope, options, { scenario: name, things: 40 })
    const { replicas, outages } = stage
    let answer = () => {}
    const released = new Promise<void>((resolve) => {
      answer = resolve
    })
    const wanted = times(20_000, 1000)
    const load = await startLoad(stage, {
      beforeAnswer: () => released,
      rate: SEND_RATE,
      count: wanted,
      ttl: 600,
      repeat: 0,
    })
    await load.callers.allStarted
    await load.stop()
    await replicas[0].terminate()
    answer()
    await delay(options.outageSeconds * 1000)
    const waiting = stage.journal.entries.filter(({ kind }) => kind === 'answered').length
    report(`${waiting} responses wait`)
    await replicas[0].start()
    const { violations, rows } = await checkStage(stage)
    const away = outages.list().find(({ part }) => part === 'service')
    const perSecond = drainRate(rows)
    return [
      count(name, 'seconds away', away ? Math.round((away.to - away.from) / 1000) : 0),
      count(name, 'responses waiting', waiting),
      measureOf(name, 'drained', `≥ ${TARGET_PER_SECOND}/s`, `${perSecond}/s`, perSecond >= TARGET_PER_SECOND),
      ...violationRows(name, violations),
    ]
  },
}

/** From the first to the last that was settled. */
function drainRate(rows: readonly Row[]): number {
  const instants = rows.flatMap(({ settledAt }) => settledAt ?? []).toSorted((a, b) => a - b)
  const took = (instants.at(-1) ?? 0) - (instants[0] ?? 0)
  return took > 0 ? Math.round((instants.length / took) * 1000) : 0
}
