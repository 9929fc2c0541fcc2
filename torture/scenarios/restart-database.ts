/** `pg_ctl restart -m immediate` under load. */
import { setTimeout as delay } from 'node:timers/promises'
import { count, overdueRow, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

export const restartDatabase: Scenario = {
  name: 'restart-database',
  short: true,
  async run({ name, scope, options, report, times }) {
    const stage = await setStage(scope, options, { scenario: name, replicas: 2 })
    const load = await startLoad(stage)
    const restarts = times(20, 2)
    for (let done = 0; done < restarts; done++) {
      await delay(stage.random.between(500, 3000))
      stage.outages.begin('database')
      await stage.engines?.postgres.restart()
      stage.outages.end('database')
    }
    await load.stop()
    report(`${restarts} restarts, ${load.callers.started()} commands`)
    const { violations, rows, overdueMs } = await checkStage(stage)
    return [
      count(name, 'restarts', restarts),
      count(name, 'commands', rows.length),
      count(name, 'timed out', rows.filter(({ status }) => status === 'TIMED_OUT').length),
      overdueRow(name, overdueMs),
      ...violationRows(name, violations),
    ]
  },
}
