/** kill -9 of the broker under load. With AT_LEAST_ONCE where the service has it. */
import { setTimeout as delay } from 'node:timers/promises'
import { count, overdueRow, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

export const killBroker: Scenario = {
  name: 'kill-broker',
  short: true,
  async run({ name, scope, options, report, times }) {
    const stage = await setStage(scope, options, { scenario: name, replicas: 2 })
    const { engines, outages, brokerKills, random, delivery } = stage
    const load = await startLoad(stage, { delivery, ttl: 15 })
    const kills = times(20, 2)
    for (let done = 0; done < kills; done++) {
      await delay(random.between(500, 3000))
      outages.begin('link')
      brokerKills.push(Date.now())
      await engines?.mosquitto.kill()
      await delay(random.between(0, 1000))
      await engines?.mosquitto.start()
      outages.end('link')
    }
    await load.stop()
    report(`${kills} kills, ${load.callers.started()} commands, ${delivery ?? 'AT_MOST_ONCE'}`)
    const { violations, rows, overdueMs } = await checkStage(stage)
    const timedOut = rows.filter(({ status }) => status === 'TIMED_OUT').length
    return [
      count(name, 'kills', kills),
      count(name, 'delivery', delivery ?? 'AT_MOST_ONCE'),
      count(name, 'commands', rows.length),
      // No promise is broken by it: a TTL has room for a few tries, and each of them may meet a broker that is killed every other second.
      count(name, 'timed out', timedOut),
      overdueRow(name, overdueMs),
      ...violationRows(name, violations),
    ]
  },
}
