/** kill -9 of one of two replicas, again and again. */
import { setTimeout as delay } from 'node:timers/promises'
import { count, overdueRow, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

const TTL_SECONDS = 10
const SHORT_TTL_SECONDS = 4

export const killReplica: Scenario = {
  name: 'kill-replica',
  short: true,
  async run({ name, scope, options, report, times }) {
    const stage = await setStage(scope, options, { scenario: name, replicas: 2 })
    const load = await startLoad(stage, { ttl: options.short ? SHORT_TTL_SECONDS : TTL_SECONDS })
    const kills = times(50, 2)
    for (let done = 0; done < kills; done++) {
      await delay(stage.random.between(100, 1500))
      const replica = stage.random.pick(stage.replicas)
      await replica.kill()
      // Now and then its neighbour is killed while it is away: then there is no service.
      const neighbour = stage.replicas.find((one) => one !== replica)
      const alone = stage.random.next() < 0.2 ? neighbour : undefined
      await alone?.kill()
      await delay(stage.random.between(0, 500))
      await Promise.all([replica.start(), alone?.start()])
    }
    await load.stop()
    report(`${kills} kills, ${load.callers.started()} commands`)
    const { violations, gaveUp, overdueMs } = await checkStage(stage)
    return [
      count(name, 'kills', kills),
      count(name, 'commands', load.callers.started()),
      count(name, 'given up', gaveUp),
      overdueRow(name, overdueMs),
      ...violationRows(name, violations),
    ]
  },
}
